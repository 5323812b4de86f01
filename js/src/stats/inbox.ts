/** What the kernel sends to a `StatsView`, put together: the past in parts, what is new at once, in any order. */
import { type Signal, signal } from "@preact/signals";
import type { PlotPoint, StatsFeed, StatsSeries } from "../contract";
import type { CallState, Finding } from "../messages";
import { KEPT_POINTS } from "./history";

export type StatsMessage = PointsMessage | FindingsMessage | PhaseMessage;

/** Rows instead of objects: the keys of a thousand points would be most of the message. */
export interface PointsMessage {
  readonly kind: "points";
  /** The window that asked; null for all. */
  readonly to: string | null;
  readonly peer: string;
  readonly name: string;
  readonly keys: readonly string[];
  readonly rows: readonly (readonly (number | null)[])[];
}

export interface FindingsMessage {
  readonly kind: "findings";
  readonly findings: readonly Finding[];
}

export interface PhaseMessage {
  readonly kind: "phase";
  readonly phase: CallState["phase"];
}

export class StatsInbox implements StatsFeed {
  readonly series: Signal<readonly StatsSeries[]> = signal([]);
  readonly findings: Signal<readonly Finding[]> = signal([]);
  /** Where the call stands; null of what is no call, and before anything was said. */
  readonly phase: Signal<CallState["phase"] | null> = signal(null);
  readonly #page: string;

  constructor(page: string) {
    this.#page = page;
  }

  take(message: StatsMessage): void {
    if (message.kind === "findings") this.findings.value = message.findings;
    else if (message.kind === "phase") this.phase.value = message.phase;
    else if (message.to === null || message.to === this.#page) this.#add(message);
  }

  #add({ peer, name, keys, rows }: PointsMessage): void {
    const points = rows.map(
      (row) =>
        Object.fromEntries(keys.map((key, index) => [key, row[index] ?? null])) as unknown as PlotPoint,
    );
    const series = this.series.value;
    const known = series.find((each) => each.peer === peer);
    const grown = { peer, name, points: merged(known?.points ?? [], points) };
    this.series.value = known ? series.map((each) => (each === known ? grown : each)) : [...series, grown];
  }
}

/** By time, each once: a poll that comes while the past is on its way comes twice. */
function merged(old: readonly PlotPoint[], fresh: readonly PlotPoint[]): readonly PlotPoint[] {
  const [first] = fresh;
  const newest = old.at(-1);
  if (first === undefined) return old;
  if (newest === undefined || first.time_s > newest.time_s) {
    return [...old, ...fresh].slice(-KEPT_POINTS);
  }
  const all = new Map([...old, ...fresh].map((point) => [point.time_s, point]));
  return [...all.values()].sort((one, other) => one.time_s - other.time_s).slice(-KEPT_POINTS);
}
