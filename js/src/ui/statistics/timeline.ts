/**
 * Points of several connections as uPlot takes them: one column of times, and a column of values a line.
 *
 * Where each point stands is the same for all metrics, so it is found once for all charts.
 */
import type { PlotPoint } from "../../contract";
import type { Range } from "./time-window";

/** Null breaks the line; undefined says only that this line has nothing at this time, which others have. */
export type Column = (number | null | undefined)[];

/** A pause is longer than so many usual steps. Its line breaks: nobody knows what was between. */
const PAUSE_STEPS = 3;

/** So many steps are looked at to know the usual one. */
const LOOKED_AT = 50;

interface Part {
  readonly points: readonly PlotPoint[];
  /** Into which row each point goes; of a thinned timeline, the first of the two rows of its pixel. */
  readonly rows: Int32Array;
  /** Rows that break the line. */
  readonly breaks: readonly number[];
}

/** The first index whose time is not before `time_s`. */
export function indexAt(points: readonly PlotPoint[], time_s: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.time_s ?? 0) < time_s) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** With one point beyond each end, so that lines run out of the picture. */
function visible(points: readonly PlotPoint[], { from_s, to_s }: Range): readonly PlotPoint[] {
  return points.slice(Math.max(0, indexAt(points, from_s) - 1), indexAt(points, to_s) + 1);
}

const stepAt = (points: readonly PlotPoint[], index: number): number =>
  (points[index]?.time_s ?? 0) - (points[index - 1]?.time_s ?? 0);

/** What is longer than this between two points is a pause. */
function longestStep(points: readonly PlotPoint[]): number {
  const every = Math.max(1, Math.floor(points.length / LOOKED_AT));
  const steps = new Float64Array(Math.max(0, Math.ceil((points.length - 1) / every)));
  for (let each = 0; each < steps.length; each += 1) steps[each] = stepAt(points, 1 + each * every);
  return PAUSE_STEPS * (steps.sort()[steps.length >> 1] ?? Number.POSITIVE_INFINITY);
}

/** The indices of the points before which there was a pause. */
function pausesOf(points: readonly PlotPoint[]): number[] {
  const longest = longestStep(points);
  const found: number[] = [];
  for (let index = 1; index < points.length; index += 1) {
    if (stepAt(points, index) > longest) found.push(index);
  }
  return found;
}

export class Timeline {
  readonly times: number[];
  readonly isThinned: boolean;
  readonly #parts: readonly Part[];

  /** Of more than two points a pixel it keeps the least and the greatest of each pixel. */
  constructor(series: readonly (readonly PlotPoint[])[], range: Range, width_px: number) {
    const shown = series.map((points) => visible(points, range));
    this.isThinned = shown.some(({ length }) => length > 2 * width_px);
    [this.times, this.#parts] = this.isThinned ? thinned(shown, range, width_px) : exact(shown);
  }

  /** The values of the series with this index. */
  column(index: number, read: (point: PlotPoint) => number | null): Column {
    const column: Column = new Array(this.times.length).fill(undefined);
    const part = this.#parts[index];
    if (part === undefined) return column;
    const put = this.isThinned ? spread : set;
    part.points.forEach((point, each) => {
      put(column, part.rows[each] ?? -1, read(point));
    });
    for (const row of part.breaks) column[row] = null;
    return column;
  }
}

function exact(shown: readonly (readonly PlotPoint[])[]): [number[], readonly Part[]] {
  const pauses = shown.map((points) =>
    pausesOf(points).map((index) => ((points[index - 1]?.time_s ?? 0) + (points[index]?.time_s ?? 0)) / 2),
  );
  const times = new Set(pauses.flat());
  for (const points of shown) for (const { time_s } of points) times.add(time_s);
  const sorted = [...Float64Array.from(times).sort()];
  const rows = new Map(sorted.map((time_s, row) => [time_s, row]));
  const rowOf = (time_s: number) => rows.get(time_s) ?? -1;
  const parts = shown.map((points, index) => ({
    points,
    rows: Int32Array.from(points, ({ time_s }) => rowOf(time_s)),
    breaks: (pauses[index] ?? []).map(rowOf),
  }));
  return [sorted, parts];
}

/** Two rows a pixel, for its two extremes in the order in which they came. */
function thinned(
  shown: readonly (readonly PlotPoint[])[],
  { from_s, to_s }: Range,
  width_px: number,
): [number[], readonly Part[]] {
  const step_s = (to_s - from_s) / width_px;
  const times = Array.from({ length: 2 * width_px }, (_, row) => from_s + (row / 2 + 0.25) * step_s);
  const rowOf = ({ time_s }: PlotPoint) => {
    const pixel = Math.min(width_px - 1, Math.floor((time_s - from_s) / step_s));
    return time_s < from_s || time_s > to_s ? -1 : 2 * pixel;
  };
  const parts = shown.map((points) => {
    const rows = Int32Array.from(points, rowOf);
    const breaks = pausesOf(points).flatMap((index) => {
      const [before = -1, after = -1] = [rows[index - 1], rows[index]];
      return before >= 0 && after > before + 2 ? [before + 2] : []; // a pause within a pixel is not seen
    });
    return { points, rows, breaks };
  });
  return [times, parts];
}

function set(column: Column, row: number, value: number | null): void {
  column[row] = value;
}

/** Keep the least and the greatest of a pixel, the earlier one first. */
function spread(column: Column, row: number, value: number | null): void {
  if (row < 0) return;
  const first = column[row];
  const second = column[row + 1];
  if (first === undefined || first === null) {
    column[row] = value;
  } else if (value === null) {
    return;
  } else if (second === undefined || second === null) {
    column[row + 1] = value;
  } else if (value < Math.min(first, second) || value > Math.max(first, second)) {
    // the new one is an extreme, and the other extreme is the one further away from it
    column[row] = Math.abs(first - value) > Math.abs(second - value) ? first : second;
    column[row + 1] = value;
  }
}
