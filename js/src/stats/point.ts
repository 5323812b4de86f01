/**
 * What the plots show of a poll, by the formulas of src/nbrtc/stats/derive.py: both languages are tested on the cases in
 * tests/data/stats.
 */
import type { PlotPoint } from "../contract";
import type { StatsSample } from "../messages";
import { Interval, largest, ratio, sum, times } from "./math";
import { type StatsReport, selectedPairs } from "./report";

type Kind = "video" | "audio";
type ByKind = Readonly<Record<Kind, readonly Interval[]>>;

/** An RTCP report describes the path for this long (RFC 3550, section 6.2: at most about 5 s between two). */
const RTCP_LIFE_S = 5;

/** What the plots show of `current`; rates need the `previous` poll of the same connection. */
export function derivePoint(previous: StatsSample | null, current: StatsSample): PlotPoint {
  const poll = new Poll(previous, current);
  const { sent, received, receivers, pairs } = poll;
  const both = (read: (kind: Kind) => number | null) => largest([read("video"), read("audio")]);
  const sendLoss = both((kind) => lossOfSent(sent[kind], receivers[kind]));
  const receiveLoss = both((kind) => lossOfReceived(received[kind]));
  const all = (streams: ByKind) => [...streams.video, ...streams.audio];
  const sends = all(sent).length > 0;
  return {
    time_s: current.timeS,
    sendBitrate_bps: times(8, sum(all(sent).map((stream) => stream.rate("bytesSent")))),
    receiveBitrate_bps: times(8, sum(all(received).map((stream) => stream.rate("bytesReceived")))),
    sendFps: largest(sent.video.map((stream) => stream.frameRate(true))),
    receiveFps: largest(received.video.map((stream) => stream.frameRate(false))),
    sendHeight: heightOf(sent.video),
    receiveHeight: heightOf(received.video),
    // without streams there is no call yet whose round trip it would be
    rtt_s: sends || all(received).length > 0 ? roundTrip(pairs, all(receivers)) : null,
    lossFraction: largest([sendLoss, receiveLoss]),
    sendLossFraction: sendLoss,
    receiveLossFraction: receiveLoss,
    sendJitter_s: largest(all(receivers).map((report) => report.gauge("jitter"))),
    receiveJitter_s: largest(all(received).map((stream) => stream.gauge("jitter"))),
    available_bps: sends ? sum(pairs.map((pair) => pair.gauge("availableOutgoingBitrate"))) : null,
    encode_s: mean(sent.video, "totalEncodeTime", "framesEncoded"),
    decode_s: mean(received.video, "totalDecodeTime", "framesDecoded"),
    jitterBuffer_s: both((kind) => mean(received[kind], "jitterBufferDelay", "jitterBufferEmittedCount")),
    freezeFraction: share(largest(received.video.map((stream) => stream.rate("totalFreezesDuration")))),
    concealedFraction: share(mean(received.audio, "concealedSamples", "totalSamplesReceived")),
    sendAudioLevel: levelOf(sent.audio.map((stream) => poll.source(stream))),
    receiveAudioLevel: levelOf(received.audio),
  };
}

/** One poll and what it can be compared with. */
class Poll {
  readonly #byId: ReadonlyMap<unknown, StatsReport>;
  readonly #earlier: ReadonlyMap<unknown, StatsReport>;
  readonly pairs: readonly Interval[];
  readonly sent: ByKind;
  readonly received: ByKind;
  /** What the other side says of our streams, while that is fresh. */
  readonly receivers: ByKind;

  constructor(previous: StatsSample | null, current: StatsSample) {
    const related = previous?.peer === current.peer && previous.generation === current.generation;
    this.#earlier = byId(related ? previous.reports : []);
    this.#byId = byId(current.reports);
    const ofType = (type: string, kind: Kind) =>
      current.reports
        .filter((report) => report.type === type && mediaKind(report) === kind)
        .map((report) => this.#interval(report));
    const fresh = (kind: Kind) =>
      ofType("remote-inbound-rtp", kind).filter((report) => isFresh(report, this.sent[kind]));
    this.pairs = selectedPairs(current.reports).map((report) => this.#interval(report));
    this.sent = { video: ofType("outbound-rtp", "video"), audio: ofType("outbound-rtp", "audio") };
    this.received = { video: ofType("inbound-rtp", "video"), audio: ofType("inbound-rtp", "audio") };
    this.receivers = { video: fresh("video"), audio: fresh("audio") };
  }

  /** What goes into the encoder; an empty report where the browser does not say. */
  source(stream: Interval): Interval {
    return this.#interval(this.#byId.get(stream.now.mediaSourceId || "") ?? {});
  }

  #interval(report: StatsReport): Interval {
    return new Interval(report, this.#earlier.get(report.id));
  }
}

function byId(reports: readonly StatsReport[]): ReadonlyMap<unknown, StatsReport> {
  return new Map(reports.map((report) => [report.id, report]));
}

function mediaKind(report: StatsReport): unknown {
  return report.kind || report.mediaType; // older browsers say mediaType
}

function lossOfReceived(streams: readonly Interval[]): number | null {
  const counted = streams.map((stream) => [stream.lost(), stream.grown("packetsReceived")] as const);
  return ratio(
    counted.map(([lost, arrived]) => [lost, lost === null || arrived === null ? null : lost + arrived]),
  );
}

/** The receiver's own fraction where it says one, else what it lost of what was sent. */
function lossOfSent(streams: readonly Interval[], receivers: readonly Interval[]): number | null {
  const said = largest(receivers.map((report) => report.gauge("fractionLost")));
  const lost = sum(receivers.map((report) => report.lost()));
  const sent = sum(streams.map((stream) => stream.grown("packetsSent")));
  return share(said ?? ratio([[lost, sent]]));
}

/** STUN's mean over the interval, else its latest while packets still arrive, else what RTCP says. */
function roundTrip(pairs: readonly Interval[], receivers: readonly Interval[]): number | null {
  const alive = pairs.filter((pair) => (pair.grown("bytesReceived") ?? 0) > 0);
  return (
    mean(pairs, "totalRoundTripTime", "responsesReceived") ??
    largest(alive.map((pair) => pair.gauge("currentRoundTripTime"))) ??
    largest(receivers.map((report) => report.gauge("roundTripTime")))
  );
}

/** The timestamp of a remote report is its arrival, so a silent receiver leaves an old one behind. */
function isFresh(report: Interval, streams: readonly Interval[]): boolean {
  const arrived = report.gauge("timestamp");
  const polled = largest(streams.map((stream) => stream.gauge("timestamp")));
  return arrived !== null && polled !== null && polled - arrived <= RTCP_LIFE_S * 1000;
}

/** Of the largest picture, where there are several streams. */
function heightOf(streams: readonly Interval[]): number | null {
  let [height, most]: [number | null, number] = [null, Number.NEGATIVE_INFINITY];
  for (const stream of streams) {
    const [across, down] = [stream.gauge("frameWidth"), stream.gauge("frameHeight")];
    const area = across === null || down === null ? Number.NEGATIVE_INFINITY : across * down;
    if (area > most || stream === streams[0]) [height, most] = [down, area];
  }
  return height;
}

/** Root mean square of the sound. */
function levelOf(sources: readonly Interval[]): number | null {
  const power = mean(sources, "totalAudioEnergy", "totalSamplesDuration");
  return power === null ? null : Math.sqrt(power);
}

function mean(streams: readonly Interval[], top: string, bottom: string): number | null {
  return ratio(streams.map((stream) => [stream.grown(top), stream.grown(bottom)]));
}

function share(value: number | null): number | null {
  return value === null ? null : Math.min(1, Math.max(0, value));
}
