/** One RTCRtpSender: its parameters changed one at a time, and what it did in the last second. */
import type { Reading } from "./limits";

const chains = new WeakMap<RTCRtpSender, Promise<void>>();

/** webrtc-extensions, section 5.5; browsers without it do nothing. */
type SetParameters = (
  parameters: RTCRtpSendParameters,
  options: { readonly encodingOptions: readonly { readonly keyFrame: boolean }[] },
) => Promise<void>;

/**
 * Change the parameters of `sender`. Calls for one sender wait for each other: `setParameters` refuses what was read
 * before another change (webrtc-pc, section 5.2). `change` returns false where nothing has to be set. Rejects with what
 * the browser says; the next call is made all the same.
 */
export function changeParameters(
  sender: RTCRtpSender,
  change: (parameters: RTCRtpSendParameters) => boolean,
): Promise<void> {
  return inTurn(sender, async () => {
    const parameters = sender.getParameters();
    if (change(parameters)) await sender.setParameters(parameters);
  });
}

/** Let the next picture be one that can be shown without those before it. Rejects with what the browser says. */
export function sendKeyframe(sender: RTCRtpSender): Promise<void> {
  return inTurn(sender, async () => {
    const parameters = sender.getParameters();
    const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
    await (sender.setParameters as SetParameters).call(sender, parameters, { encodingOptions });
  });
}

function inTurn(sender: RTCRtpSender, work: () => Promise<void>): Promise<void> {
  const before = chains.get(sender) ?? Promise.resolve();
  const mine = before.then(work);
  chains.set(
    sender,
    mine.catch(() => undefined), // whoever asked for it hears of it
  );
  return mine;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Sent {
  readonly reading: Reading;
  /** Of the pictures that are sent; null before the first. */
  readonly size: Size | null;
  /** Of the pictures that come from the source, where the browser says. */
  readonly source: Size | null;
}

type Report = Readonly<Record<string, unknown>>;

/** Reads the statistics of one sender (webrtc-stats); rates need two readings. */
export class SenderMeter {
  #before: Report | null = null;
  #heardAt: number | null = null;

  /** What happened since the last call; null while nothing is sent. Rejects with what the browser says. */
  async read(sender: RTCRtpSender, wanted_fps: number): Promise<Sent | null> {
    if (sender.track === null) {
      this.#before = null;
      return null;
    }
    const reports: Report[] = [];
    (await sender.getStats()).forEach((report: Report) => {
      reports.push(report);
    });
    const stream = reports.find((report) => report.type === "outbound-rtp");
    const before = this.#before;
    this.#before = stream ?? null;
    if (stream === undefined || stream.active === false) return null;
    if (before === null || before.ssrc !== stream.ssrc) return null;
    const source = reports.find(({ type, id }) => type === "media-source" && id === stream.mediaSourceId);
    const seconds = grown(before, stream, "timestamp") / 1000;
    const frames = grown(before, stream, "framesEncoded");
    if (!(seconds > 0)) return null;
    const fps = Number.isNaN(frames) ? null : frames / seconds;
    const sourceFps = known(source?.framesPerSecond);
    return {
      reading: {
        ...this.#path(reports, stream),
        sent_bps: known((8 * grown(before, stream, "bytesSent")) / seconds),
        limitation: limitationOf(stream.qualityLimitationReason),
        encode_s: frames > 0 ? known(grown(before, stream, "totalEncodeTime") / frames) : null,
        fps,
        askedFps: sourceFps === null ? null : Math.min(sourceFps, wanted_fps),
      },
      size: sizeOf(stream.frameWidth, stream.frameHeight),
      source: sizeOf(source?.width, source?.height),
    };
  }

  #path(
    reports: readonly Report[],
    stream: Report,
  ): Pick<Reading, "available_bps" | "lossFraction" | "rtt_s"> {
    const transport = reports.find(({ id }) => id === stream.transportId);
    const pair = reports.find(
      ({ id, type }) => type === "candidate-pair" && id === transport?.selectedCandidatePairId,
    );
    const remote = reports.find(
      ({ type, localId }) => type === "remote-inbound-rtp" && localId === stream.id,
    );
    // a report that was read before says nothing about this second
    const isNew = remote !== undefined && remote.timestamp !== this.#heardAt;
    this.#heardAt = known(remote?.timestamp);
    return {
      available_bps: known(pair?.availableOutgoingBitrate),
      lossFraction: isNew ? known(remote.fractionLost) : null,
      rtt_s: isNew ? known(remote.roundTripTime) : null,
    };
  }
}

function grown(before: Report, now: Report, key: string): number {
  return (known(now[key]) ?? Number.NaN) - (known(before[key]) ?? Number.NaN);
}

function known(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function sizeOf(width: unknown, height: unknown): Size | null {
  const [known_width, known_height] = [known(width), known(height)];
  return known_width && known_height ? { width: known_width, height: known_height } : null;
}

function limitationOf(reason: unknown): Reading["limitation"] {
  return reason === "cpu" || reason === "bandwidth" || reason === "other" ? reason : "none";
}
