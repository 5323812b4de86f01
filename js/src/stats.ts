/**
 * getStats of one peer connection: polled here, plotted here at once, sent on to the kernel's statistics store.
 *
 * `derivePoint` uses the formulas of src/nbrtc/stats/derive.py; both languages are tested on tests/data/stats.
 * A difference is only taken within one stats object of one generation: never across a reset, a new SSRC or a
 * new connection. What is not known is null, never 0.
 */
import type { PlotPoint } from "./contract";
import type { StatsSample } from "./messages";

export type StatsReport = StatsSample["reports"][number];
export type StatsBody = Pick<StatsSample, "timeS" | "reports">;

/** An RTCP report describes the path for this long (RFC 3550, section 6.2: at most about 5 s between two). */
const RTCP_LIFE_S = 5;

/** The plots show the last five minutes. */
export const KEPT_POINTS = 300;

// No candidates, so no addresses: what the kernel stores or a person exports does not say where they are.
const KEPT_TYPES: ReadonlySet<string> = new Set([
  "inbound-rtp",
  "outbound-rtp",
  "remote-inbound-rtp",
  "remote-outbound-rtp",
  "candidate-pair",
  "transport",
  "media-source",
  "media-playout",
  "codec",
]);

/** Counters that only a reset can lower; packetsLost falls when a late packet arrives (RFC 3550, section 6.4.1). */
const CORE_COUNTERS = [
  "bytesSent",
  "bytesReceived",
  "packetsSent",
  "packetsReceived",
  "framesEncoded",
  "framesDecoded",
  "framesReceived",
  "totalSamplesReceived",
  "totalSamplesDuration",
  "responsesReceived",
  "roundTripTimeMeasurements",
] as const;

/** One poll, ready for the wire: the reports that matter, values verbatim, nothing nested. */
export async function pollStats(connection: Pick<RTCPeerConnection, "getStats">): Promise<StatsBody> {
  const timeS = Date.now() / 1000;
  const reports: StatsReport[] = [];
  (await connection.getStats()).forEach((report: Readonly<Record<string, unknown>>) => {
    if (KEPT_TYPES.has(String(report.type))) reports.push(flatten(report));
  });
  const selected = new Set(selectedPairs(reports));
  return {
    timeS,
    reports: reports.filter((report) => report.type !== "candidate-pair" || selected.has(report)),
  };
}

/** `qualityLimitationDurations` becomes one dotted key a reason; other nested values are dropped. */
function flatten(report: Readonly<Record<string, unknown>>): StatsReport {
  const flat: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(report)) {
    if (isScalar(value)) {
      flat[key] = value;
    } else if (key === "qualityLimitationDurations" && typeof value === "object") {
      for (const [reason, seconds] of Object.entries(value ?? {})) {
        if (isScalar(seconds)) flat[`${key}.${reason}`] = seconds;
      }
    }
  }
  return flat;
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** The pairs that carry media: those the transports name, else (Firefox has no transports) by their own flags. */
function selectedPairs(reports: readonly StatsReport[]): StatsReport[] {
  const pairs = reports.filter((report) => report.type === "candidate-pair");
  const named = new Set(
    reports.filter((report) => report.type === "transport").map((report) => report.selectedCandidatePairId),
  );
  const ways = [
    (pair: StatsReport) => named.has(pair.id),
    (pair: StatsReport) => pair.selected === true,
    (pair: StatsReport) => pair.nominated === true && pair.state === "succeeded",
  ];
  return ways.map((way) => pairs.filter(way)).find((found) => found.length > 0) ?? [];
}

/** What the plots show of `current`; rates need the `previous` poll of the same connection. */
export function derivePoint(previous: StatsSample | null, current: StatsSample): PlotPoint {
  const related = previous?.peer === current.peer && previous.generation === current.generation;
  const earlier = new Map(related ? previous.reports.map((report) => [report.id, report]) : []);
  const intervals = (reports: readonly StatsReport[]) =>
    reports.map((report) => new Interval(report, earlier.get(report.id)));
  const ofType = (type: string, kind?: string) =>
    intervals(
      current.reports.filter(
        (report) => report.type === type && (kind === undefined || mediaKind(report) === kind),
      ),
    );
  const kinds = ["video", "audio"];
  const sent = kinds.map((kind) => ofType("outbound-rtp", kind));
  const received = kinds.map((kind) => ofType("inbound-rtp", kind));
  const remote = kinds.map((kind, index) =>
    ofType("remote-inbound-rtp", kind).filter((report) => isFresh(report, sent[index] ?? [])),
  );
  const losses = [
    ...received.map(receiveLoss),
    ...sent.map((streams, index) => sendLoss(streams, remote[index] ?? [])),
  ];
  return {
    time_s: current.timeS,
    sendBitrate_bps: times(8, sum(sent.flat().map((stream) => stream.rate("bytesSent")))),
    receiveBitrate_bps: times(8, sum(received.flat().map((stream) => stream.rate("bytesReceived")))),
    sendFps: largest((sent[0] ?? []).map((stream) => stream.rate("framesEncoded"))),
    receiveFps: largest((received[0] ?? []).map((stream) => stream.rate("framesDecoded"))),
    rtt_s: roundTrip(intervals(selectedPairs(current.reports)), remote.flat()),
    lossFraction: largest(losses),
  };
}

function mediaKind(report: StatsReport): unknown {
  return report.kind || report.mediaType; // older browsers say mediaType
}

function receiveLoss(streams: readonly Interval[]): number | null {
  const counted = streams.map((stream) => [stream.lost(), stream.grown("packetsReceived")] as const);
  return ratio(
    counted.map(([lost, arrived]) => [lost, lost === null || arrived === null ? null : lost + arrived]),
  );
}

/** The receiver's own fraction where it says one, else what it lost of what was sent. */
function sendLoss(streams: readonly Interval[], remote: readonly Interval[]): number | null {
  const said = largest(remote.map((report) => report.gauge("fractionLost")));
  const lost = sum(remote.map((report) => report.lost()));
  const sent = sum(streams.map((stream) => stream.grown("packetsSent")));
  const fraction = said ?? ratio([[lost, sent]]);
  return fraction === null ? null : Math.min(1, Math.max(0, fraction));
}

/** STUN's mean over the interval, else its latest while packets still arrive, else what RTCP says. */
function roundTrip(pairs: readonly Interval[], remote: readonly Interval[]): number | null {
  const measured = pairs.map(
    (pair) => [pair.grown("totalRoundTripTime"), pair.grown("responsesReceived")] as const,
  );
  const alive = pairs.filter((pair) => (pair.grown("bytesReceived") ?? 0) > 0);
  return (
    ratio(measured) ??
    largest(alive.map((pair) => pair.gauge("currentRoundTripTime"))) ??
    largest(remote.map((report) => report.gauge("roundTripTime")))
  );
}

/** The timestamp of a remote report is its arrival, so a silent receiver leaves an old one behind. */
function isFresh(report: Interval, streams: readonly Interval[]): boolean {
  const arrived = report.gauge("timestamp");
  const polled = largest(streams.map((stream) => stream.gauge("timestamp")));
  return arrived !== null && polled !== null && polled - arrived <= RTCP_LIFE_S * 1000;
}

/** One stats object between two polls; without a comparable earlier state every difference is null. */
class Interval {
  private readonly before: StatsReport | null;
  private readonly seconds: number;

  constructor(
    private readonly now: StatsReport,
    before: StatsReport | undefined,
  ) {
    const elapsed_ms = before === undefined ? null : change(before, now, "timestamp");
    const comparable =
      before !== undefined && elapsed_ms !== null && elapsed_ms > 0 && continues(before, now);
    this.before = comparable ? before : null;
    this.seconds = (elapsed_ms ?? 0) / 1000;
  }

  gauge(key: string): number | null {
    return numeric(this.now, key);
  }

  grown(key: string): number | null {
    const difference = this.before && change(this.before, this.now, key);
    return difference !== null && difference >= 0 ? difference : null;
  }

  lost(): number | null {
    const difference = this.before && change(this.before, this.now, "packetsLost");
    return difference === null ? null : Math.max(0, difference);
  }

  rate(key: string): number | null {
    return times(1 / this.seconds, this.grown(key));
  }
}

function continues(before: StatsReport, now: StatsReport): boolean {
  if (before.type !== now.type || before.ssrc !== now.ssrc) return false;
  return CORE_COUNTERS.every((key) => (change(before, now, key) ?? 0) >= 0);
}

function numeric(report: StatsReport, key: string): number | null {
  const value = report[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function change(before: StatsReport, now: StatsReport, key: string): number | null {
  const [from, to] = [numeric(before, key), numeric(now, key)];
  return from === null || to === null ? null : to - from;
}

function times(factor: number, value: number | null): number | null {
  return value === null ? null : factor * value;
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** Null where a part is, because a sum without it would look like a dip, and null of nothing. */
function sum(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  if (numbers.length === 0 || numbers.length < values.length) return null;
  return numbers.reduce((total, value) => total + value, 0);
}

function largest(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  return numbers.length === 0 ? null : Math.max(...numbers);
}

/** Sum of the numerators over sum of the denominators, of the streams that know both. */
function ratio(terms: readonly (readonly [number | null, number | null])[]): number | null {
  const both = terms.filter(([top, bottom]) => top !== null && bottom !== null);
  const [top, bottom] = [sum(both.map((term) => term[0])), sum(both.map((term) => term[1]))];
  return top === null || bottom === null || bottom <= 0 ? null : top / bottom;
}

export interface StatsListener {
  onSample(sample: StatsSample): void;
  onPoint(point: PlotPoint): void;
  /** A poll failed; the next one is tried all the same, and its rates span the gap. */
  onProblem(error: unknown): void;
}

/** Polls one connection after the other for one peer, and keeps the newest 300 points for the plots. */
export class StatsPoller {
  private kept: readonly PlotPoint[] = [];

  constructor(
    private readonly peer: string,
    private readonly listener: StatsListener,
    private readonly interval_ms = 1000,
  ) {}

  /** Oldest first, across generations; a new array for each point. */
  get points(): readonly PlotPoint[] {
    return this.kept;
  }

  /**
   * Poll until the signal aborts or the connection is closed. The next poll waits for the one before it, so a slow
   * browser is asked less often and never twice at once. Rejects only with what the listener throws.
   */
  async follow(connection: RTCPeerConnection, generation: number, signal: AbortSignal): Promise<void> {
    let previous: StatsSample | null = null;
    while (!signal.aborted && connection.connectionState !== "closed") {
      const wait = delay(this.interval_ms, signal);
      const outcome = await pollStats(connection).then(
        (body) => ({ body }),
        (error: unknown) => ({ error }),
      );
      if (signal.aborted) return;
      if ("body" in outcome) {
        const sample: StatsSample = { type: "stats", peer: this.peer, generation, ...outcome.body };
        const point = derivePoint(previous, sample);
        previous = sample;
        this.kept = [...this.kept.slice(1 - KEPT_POINTS), point];
        this.listener.onSample(sample);
        this.listener.onPoint(point);
      } else {
        this.listener.onProblem(outcome.error);
      }
      await wait;
    }
  }
}

/** Resolves after the time, or at once when the signal aborts. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
