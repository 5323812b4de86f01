/** One uPlot chart: made in an element, fed with frames, gone with its signal. */
import UPlot from "uplot";
import { clockText } from "../format";
import { type Frame, timelineOf } from "./frames";
import type { Curve, Metric } from "./metrics";

/** The same in every chart, so that one cursor fits them all; statistics.css has them, too. */
const LEFT_PX = 58;
const RIGHT_PX = 8;

/** Half of a time below the axis, with what the right margin leaves of it: further right it would be cut off. */
const HALF_TIME_PX = 20;

/** A chart this high has room for the times below it. */
const ROOMY_PX = 100;

interface Stroke {
  /** Which series of the frame. */
  readonly index: number;
  readonly read: Curve["read"];
  readonly colour: number;
  readonly dash: number[];
}

/** A line for each participant and direction: dashed is what they receive, or what is received of them. */
function strokesOf(metric: Metric, { series }: Frame): readonly Stroke[] {
  return series.flatMap(({ colour }, index) =>
    metric.curves.map(({ direction, read }) => ({
      index,
      read,
      colour,
      dash: direction === "receive" ? [4, 3] : [],
    })),
  );
}

/** As long as this stays, the chart does, too. */
const shapeOf = (strokes: readonly Stroke[]): string =>
  strokes.map(({ colour, dash }) => `${colour}${dash.length > 0 ? "-" : ""}`).join();

/** Zero, and up to `count` round values below `top`: those that reach highest, and all multiples of `grain`. */
export function ticks(top: number, count: number, grain: number): number[] {
  const most = top * 0.95;
  const power = 10 ** Math.floor(Math.log10(most / count));
  const steps = [1, 2, 2.5, 5, 10, 20, 25, 50]
    .map((each) => each * power)
    .filter((step) => Math.abs(step / grain - Math.round(step / grain)) < 1e-6)
    .map((step) => ({ step, number: Math.floor(most / step + 1e-9) }))
    .filter(({ number }) => number >= 1 && number <= count);
  const [best] = steps.sort((one, other) => other.step * other.number - one.step * one.number);
  return Array.from({ length: (best?.number ?? 0) + 1 }, (_, index) => index * (best?.step ?? 0));
}

/** On an axis the values are exact, and `5.0 ms` only looks as if it were measured. */
const axisText = (text: string): string => text.replace(".0 ", " ");

class Chart {
  readonly #metric: Metric;
  readonly #element: HTMLElement;
  #frame: Frame;
  #shape: string;
  #chart: UPlot;

  constructor(metric: Metric, element: HTMLElement, frame: Frame) {
    this.#metric = metric;
    this.#element = element;
    this.#frame = frame;
    this.#shape = shapeOf(strokesOf(metric, frame));
    this.#chart = this.#make();
  }

  show(frame: Frame): void {
    const strokes = strokesOf(this.#metric, frame);
    const shape = shapeOf(strokes);
    if (shape === this.#shape && !frame.isAsked && this.#isStill(frame)) return;
    this.#frame = frame;
    if (shape === this.#shape) {
      this.#chart.setData(this.#columns(strokes));
    } else {
      this.#shape = shape;
      this.#chart.destroy();
      this.#chart = this.#make();
    }
  }

  fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#element;
    if (width === this.#chart.width && height === this.#chart.height) return;
    this.#chart.setSize({ width, height });
    this.#chart.setData(this.#columns(strokesOf(this.#metric, this.#frame))); // another number of points fits in
  }

  destroy(): void {
    this.#chart.destroy();
  }

  get #plotted_px(): number {
    return Math.max(1, Math.floor(this.#element.clientWidth - LEFT_PX - RIGHT_PX));
  }

  /** Of an hour, a second is a small part of a pixel: nobody would see the difference. */
  #isStill({ range: { from_s, to_s } }: Frame): boolean {
    const { range } = this.#frame;
    const pixel_s = (to_s - from_s) / this.#plotted_px;
    return Math.abs(from_s - range.from_s) < pixel_s && Math.abs(to_s - range.to_s) < pixel_s;
  }

  #columns(strokes: readonly Stroke[]): UPlot.AlignedData {
    const timeline = timelineOf(this.#frame, this.#plotted_px);
    return [timeline.times, ...strokes.map(({ index, read }) => timeline.column(index, read))];
  }

  #make(): UPlot {
    const strokes = strokesOf(this.#metric, this.#frame);
    return new UPlot(this.#options(strokes), this.#columns(strokes), this.#element);
  }

  #options(strokes: readonly Stroke[]): UPlot.Options {
    const isRoomy = (height: number) => height >= ROOMY_PX;
    const { font } = this.#frame.palette;
    const axis = {
      font: `11px ${font}`,
      stroke: () => this.#frame.palette.text,
      grid: { stroke: () => this.#frame.palette.grid, width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#element.clientWidth,
      height: this.#element.clientHeight,
      padding: [6, RIGHT_PX, 6, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { range: () => [this.#frame.range.from_s, this.#frame.range.to_s] },
        y: { range: (_chart, _least, most) => [0, Math.max(this.#metric.leastTop, (most ?? 0) * 1.1)] },
      },
      axes: [
        {
          ...axis,
          size: (chart) => (isRoomy(chart.height) ? 22 : 0),
          gap: 7, // below the lowest value of the other axis
          space: 80,
          values: (chart, splits) =>
            splits.map((time_s) => {
              const isInside = chart.valToPos(time_s, "x") < this.#plotted_px - HALF_TIME_PX;
              return isRoomy(chart.height) && isInside ? clockText(time_s) : "";
            }),
        },
        {
          ...axis,
          size: LEFT_PX,
          gap: 4,
          // Zero and one value say enough in a chart as high as three lines of text.
          splits: (chart, _axis, _least, top) =>
            ticks(top, isRoomy(chart.height) ? 3 : 1, this.#metric.grain),
          values: (_chart, splits) => splits.map((value) => axisText(this.#metric.textOf(value))),
        },
      ],
      series: [
        {},
        ...strokes.map(({ colour, dash }) => ({
          stroke: () => this.#frame.palette.lines[colour] ?? "gray",
          // Told apart by more than colour.
          dash,
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
  }
}

/** Draw `metric` into `element` until `signal` aborts; the returned function shows a new frame with one redraw. */
export function drawChart(
  metric: Metric,
  element: HTMLElement,
  first: Frame,
  signal: AbortSignal,
): (frame: Frame) => void {
  const chart = new Chart(metric, element, first);
  const sizes = new ResizeObserver(() => chart.fit());
  sizes.observe(element);
  signal.addEventListener(
    "abort",
    () => {
      sizes.disconnect();
      chart.destroy();
    },
    { once: true },
  );
  return (frame) => chart.show(frame);
}

/** Where in the picture, from 0 to 1, a pointer stands. */
export function fractionAt(element: HTMLElement, clientX: number): number {
  const { left, width } = element.getBoundingClientRect();
  const fraction = (clientX - left - LEFT_PX) / Math.max(1, width - LEFT_PX - RIGHT_PX);
  return Math.min(1, Math.max(0, fraction));
}
