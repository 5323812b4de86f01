/**
 * One stats object between two polls, and arithmetic that knows what it does not know, as in
 * src/nbrtc/stats/interval.py. A difference is only taken within one stats object of one connection: never across a
 * reset or a new SSRC. What is not known is null, never 0.
 */
import type { StatsReport } from "./report";

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

/** One stats object between two polls; without a comparable earlier state every difference is null. */
export class Interval {
  private readonly before: StatsReport | null;
  private readonly seconds: number;

  constructor(
    readonly now: StatsReport,
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

  /**
   * Pictures a second: those encoded or decoded. An end that forwards pictures and codes none (Python's) has no such
   * counter: then those sent or received. A counter that is there and stands still counts: nothing was coded.
   */
  frameRate(sending: boolean): number | null {
    const [coded, moved] = sending
      ? (["framesEncoded", "framesSent"] as const)
      : (["framesDecoded", "framesReceived"] as const);
    const isCoded = this.before !== null && change(this.before, this.now, coded) !== null;
    return this.rate(isCoded ? coded : moved);
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

export function times(factor: number, value: number | null): number | null {
  return value === null ? null : factor * value;
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** Null where a part is, because a sum without it would look like a dip, and null of nothing. */
export function sum(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  if (numbers.length === 0 || numbers.length < values.length) return null;
  return numbers.reduce((total, value) => total + value, 0);
}

export function largest(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  return numbers.length === 0 ? null : Math.max(...numbers);
}

/** Sum of the numerators over sum of the denominators, of the streams that know both. */
export function ratio(terms: readonly (readonly [number | null, number | null])[]): number | null {
  const both = terms.filter(([top, bottom]) => top !== null && bottom !== null);
  const [top, bottom] = [sum(both.map((term) => term[0])), sum(both.map((term) => term[1]))];
  return top === null || bottom === null || bottom <= 0 ? null : top / bottom;
}
