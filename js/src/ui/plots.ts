/** What the statistics drawer draws: four plots, their curves and the texts beside them. */
import type { PlotPoint } from "../contract";
import { bitrateText, fpsText, millisecondsText, percentText } from "./format";

export interface Curve {
  /** Which direction, or empty where there is only one curve. */
  readonly name: string;
  readonly read: (point: PlotPoint) => number | null;
}

export interface Plot {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly textOf: (value: number | null) => string;
  /** The scale never ends below this, so that noise around zero does not look like a mountain. */
  readonly leastTop: number;
}

const times = (value: number | null, factor: number): number | null =>
  value === null ? null : value * factor;

export const plots: readonly Plot[] = [
  {
    title: "Bitrate",
    curves: [
      { name: "up", read: (point) => point.sendBitrate_bps },
      { name: "down", read: (point) => point.receiveBitrate_bps },
    ],
    textOf: bitrateText,
    leastTop: 100_000,
  },
  {
    title: "Frame rate",
    curves: [
      { name: "up", read: (point) => point.sendFps },
      { name: "down", read: (point) => point.receiveFps },
    ],
    textOf: fpsText,
    leastTop: 15,
  },
  {
    title: "Round-trip time",
    curves: [{ name: "", read: (point) => times(point.rtt_s, 1000) }],
    textOf: millisecondsText,
    leastTop: 10,
  },
  {
    title: "Loss",
    curves: [{ name: "", read: (point) => times(point.lossFraction, 100) }],
    textOf: percentText,
    leastTop: 1,
  },
];

export const window_s = 60;

/** The points of the last `window_s` seconds before the newest one. */
export function recent(points: readonly PlotPoint[]): readonly PlotPoint[] {
  const newest = points.at(-1);
  return newest === undefined ? [] : points.filter(({ time_s }) => time_s >= newest.time_s - window_s);
}
