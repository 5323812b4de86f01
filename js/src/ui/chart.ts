/** One small uPlot chart: made in an element, fed with points, gone with its signal. */
import UPlot from "uplot";
import type { PlotPoint } from "../contract";
import { type Plot, recent, window_s } from "./plots";

/** A theme can change while a chart is there, so its colours are read at every drawing. */
const colour = (element: HTMLElement, name: string): string =>
  getComputedStyle(element).getPropertyValue(`--nbrtc-${name}`).trim();

function optionsOf(plot: Plot, element: HTMLElement): UPlot.Options {
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [6, 2, 8, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: false, range: (_chart, _first, last) => [last - window_s, last] },
      y: { range: (_chart, _least, most) => [0, Math.max(plot.leastTop, most * 1.1)] },
    },
    axes: [
      { show: false },
      {
        size: 58,
        gap: 4,
        font: `11px ${getComputedStyle(element).fontFamily}`,
        stroke: () => colour(element, "text-quiet"),
        grid: { stroke: () => colour(element, "line"), width: 1 },
        ticks: { show: false },
        // Zero and the middle say enough in a chart as high as three lines of text.
        splits: (_chart, _axis, _least, top) => [0, top / 2],
        values: (_chart, splits) => splits.map(plot.textOf),
      },
    ],
    series: [
      {},
      ...plot.curves.map((_curve, index) => ({
        stroke: () => colour(element, index === 0 ? "plot-first" : "plot-second"),
        // Told apart by more than colour.
        dash: index === 0 ? [] : [4, 3],
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}

function columnsOf(plot: Plot, points: readonly PlotPoint[]): UPlot.AlignedData {
  const last60 = recent(points);
  return [last60.map(({ time_s }) => time_s), ...plot.curves.map(({ read }) => last60.map(read))];
}

/** Draw `plot` into `element` until `signal` aborts; the returned function shows new points with one redraw. */
export function drawChart(
  plot: Plot,
  element: HTMLElement,
  signal: AbortSignal,
): (points: readonly PlotPoint[]) => void {
  const chart = new UPlot(optionsOf(plot, element), columnsOf(plot, []), element);
  const sizes = new ResizeObserver(() =>
    chart.setSize({ width: element.clientWidth, height: element.clientHeight }),
  );
  sizes.observe(element);
  signal.addEventListener(
    "abort",
    () => {
      sizes.disconnect();
      chart.destroy();
    },
    { once: true },
  );
  return (points) => chart.setData(columnsOf(plot, points));
}
