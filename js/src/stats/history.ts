/** What the statistics panel shows of a call: everybody's plotted past, and what is wrong now. */
import { type Signal, signal } from "@preact/signals";
import type { PlotPoint, StatsFeed, StatsSeries } from "../contract";
import type { Finding } from "../messages";

/** An hour at one poll a second, six minutes at ten; with 21 figures a point that is about 1 MB a peer. */
export const KEPT_POINTS = 3600;
/** In a room that people keep joining and leaving; of whom nothing came for the longest time goes first. */
export const KEPT_SERIES = 32;

export class StatsHistory implements StatsFeed {
  readonly series: Signal<readonly StatsSeries[]> = signal([]);
  readonly findings: Signal<readonly Finding[]> = signal([]);
  readonly #nameOf: (peer: string) => string | null;

  /** `nameOf`: what people call this peer; null where nobody knows (any more), and then the last name stays. */
  constructor(nameOf: (peer: string) => string | null) {
    this.#nameOf = nameOf;
  }

  add(peer: string, point: PlotPoint): void {
    const series = this.series.value;
    const known = series.find((one) => one.peer === peer);
    const points = [...(known?.points.slice(1 - KEPT_POINTS) ?? []), point];
    const grown: StatsSeries = { peer, name: this.#nameOf(peer) ?? known?.name ?? peer, points };
    if (known !== undefined) this.series.value = series.map((one) => (one === known ? grown : one));
    else this.series.value = [...(series.length < KEPT_SERIES ? series : withoutOldest(series)), grown];
  }

  clear(): void {
    this.series.value = [];
    this.findings.value = [];
  }
}

function withoutOldest(series: readonly StatsSeries[]): readonly StatsSeries[] {
  const lastOf = ({ points }: StatsSeries) => points.at(-1)?.time_s ?? 0;
  const oldest = series.reduce((found, one) => (lastOf(one) < lastOf(found) ? one : found));
  return series.filter((one) => one !== oldest);
}
