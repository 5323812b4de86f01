/** Which time the charts show: pure, so that keys, buttons, wheel and drag all do the same. */

/** What is kept, from the oldest point to the newest. */
export interface Extent {
  readonly first_s: number;
  readonly last_s: number;
}

export interface Range {
  readonly from_s: number;
  readonly to_s: number;
}

export interface TimeWindow {
  /** How much is shown; null is everything. */
  readonly span_s: number | null;
  /** Where it ends; null follows the newest point. */
  readonly end_s: number | null;
}

export const MIN_SPAN_S = 10;

const SPANS_S = [MIN_SPAN_S, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];

export function rangeOf({ span_s, end_s }: TimeWindow, { first_s, last_s }: Extent): Range {
  const to_s = end_s ?? last_s;
  return { from_s: to_s - (span_s ?? Math.max(MIN_SPAN_S, to_s - first_s)), to_s };
}

/** One step closer (+1) or further away (-1); the time at `fraction` of the picture stays where it is. */
export function zoomed(window: TimeWindow, extent: Extent, step: 1 | -1, fraction = 0.5): TimeWindow {
  const { from_s, to_s } = rangeOf(window, extent);
  const now_s = to_s - from_s;
  const all_s = extent.last_s - extent.first_s;
  const closer = SPANS_S.findLast((span_s) => span_s < now_s) ?? MIN_SPAN_S;
  const further = SPANS_S.find((span_s) => span_s > now_s && span_s < all_s) ?? null;
  const span_s = step > 0 ? closer : further;
  if (window.end_s === null || span_s === null) return { ...window, span_s };
  const anchor_s = from_s + fraction * now_s;
  return within({ span_s, end_s: anchor_s + (1 - fraction) * span_s }, extent);
}

/** Back or forth by a share of what is shown. Whoever arrives at the newest point follows it again. */
export function panned(window: TimeWindow, extent: Extent, share: number): TimeWindow {
  const { from_s, to_s } = rangeOf(window, extent);
  const end_s = to_s + share * (to_s - from_s);
  if (end_s >= extent.last_s) return { ...window, end_s: null };
  return within({ span_s: to_s - from_s, end_s }, extent);
}

/** Exactly this much, as it was dragged, but not less than the least. */
export function between({ from_s, to_s }: Range, extent: Extent): TimeWindow {
  const span_s = Math.max(MIN_SPAN_S, to_s - from_s);
  return within({ span_s, end_s: (from_s + to_s + span_s) / 2 }, extent);
}

/** No further than the points reach, to either side. */
function within({ span_s, end_s }: { span_s: number; end_s: number }, extent: Extent): TimeWindow {
  return { span_s, end_s: Math.min(extent.last_s, Math.max(extent.first_s + span_s, end_s)) };
}
