/** One metric: its name, its values now or at the cursor, and its chart. */
import { effect, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { PlotPoint } from "../../contract";
import { clockText, spanText } from "../format";
import { drawChart } from "./chart";
import { type Frame, type Frames, readingOf, readingTime } from "./frames";
import type { Direction, Metric } from "./metrics";
import { lineClass } from "./palette";
import type { Panel } from "./panel";
import { type Drag, listenForPointer } from "./pointer";

interface ChartProps {
  readonly metric: Metric;
  readonly panel: Panel;
  readonly frames: Frames;
}

const words: Record<Direction, string> = { send: "sent", receive: "received" };

interface ValueProps {
  readonly metric: Metric;
  readonly colour: number;
  readonly point: PlotPoint | undefined;
}

/** The values of one participant, each with its line as the chart draws it. */
function Values({ metric, colour, point }: ValueProps) {
  return (
    <>
      {metric.curves.map(({ direction, read }) => (
        <span
          key={direction}
          class={`nbrtc-plot-value nbrtc-plot-value--${direction ?? "both"} ${lineClass(colour)}`}
        >
          {direction !== null && <span class="nbrtc-unseen">{words[direction]} </span>}
          <span class="nbrtc-plot-number">{metric.textOf(point === undefined ? null : read(point))}</span>
        </span>
      ))}
    </>
  );
}

const numbersOf = (metric: Metric, points: readonly (PlotPoint | undefined)[]): readonly number[] =>
  points.flatMap((point) =>
    metric.curves.flatMap(({ read }) => (point === undefined ? [] : (read(point) ?? []))),
  );

/** Of one participant the values themselves; of several the least and the greatest, there is no room for more. */
function Summary({ metric, panel, frames }: ChartProps) {
  const frame = frames.frame.value;
  const points = readingOf(frame, panel.cursor.value);
  const [first] = frame.series;
  if (first !== undefined && frame.series.length === 1) {
    return <Values metric={metric} colour={first.colour} point={points[0]} />;
  }
  const numbers = numbersOf(metric, points);
  const texts = new Set([Math.min(...numbers), Math.max(...numbers)].map(metric.textOf));
  return (
    <span class="nbrtc-plot-number">
      {numbers.length === 0 ? metric.textOf(null) : [...texts].join(" – ")}
    </span>
  );
}

/** Everybody's values at the cursor, beside the chart that is being read. */
function Readout({ metric, panel, frames }: ChartProps) {
  const frame = frames.frame.value;
  const cursor = panel.cursor.value;
  if (cursor === null || frame.series.length < 2) return null;
  const points = readingOf(frame, cursor);
  return (
    <div
      class={`nbrtc-readout nbrtc-readout--${cursor < 0.5 ? "right" : "left"} nbrtc-readout--${metric.curves.length}`}
      aria-hidden="true"
    >
      <span class="nbrtc-readout-time">{clockText(readingTime(frame, cursor))}</span>
      {frame.series.map(({ peer, name, colour }, index) => (
        <span key={peer} class="nbrtc-readout-line">
          <bdi class="nbrtc-readout-name">{name}</bdi>
          <Values metric={metric} colour={colour} point={points[index]} />
        </span>
      ))}
    </div>
  );
}

/** For a screen reader; quiet while the picture moves, or it would never stop talking. */
function spokenOf(metric: Metric, frame: Frame, panel: Panel): string {
  const cursor = panel.cursor.value;
  if (cursor === null && panel.isLive && panel.window.value.end_s === null) return "now";
  const points = readingOf(frame, cursor);
  const lines = frame.series.map(({ name }, index) => {
    const point = points[index];
    const values = metric.curves.map(({ direction, read }) => {
      const text = metric.textOf(point === undefined ? null : read(point));
      return direction === null ? text : `${words[direction]} ${text}`;
    });
    return `${name} ${values.join(", ")}`;
  });
  return `${clockText(readingTime(frame, cursor))}: ${lines.join("; ")}`;
}

/** The cursor, which is one for all charts, and what is being dragged over this one. */
function Marks({ panel, drag }: { readonly panel: Panel; readonly drag: Drag | null }) {
  const cursor = panel.cursor.value;
  return (
    <div class="nbrtc-marks" aria-hidden="true">
      {cursor !== null && <i class="nbrtc-cursor" style={{ left: `${100 * cursor}%` }} />}
      {drag !== null && (
        <i class="nbrtc-drag" style={{ left: `${100 * drag.from}%`, right: `${100 * (1 - drag.to)}%` }} />
      )}
    </div>
  );
}

function Place({ metric, panel, frames }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const drag = useSignal<Drag | null>(null);
  useLayoutEffect(() => {
    if (!place.current || !canvas.current) return;
    const closed = new AbortController();
    const show = drawChart(metric, canvas.current, frames.frame.peek(), closed.signal);
    let isFirst = true; // it is drawn already
    const unsubscribe = effect(() => {
      const frame = frames.frame.value;
      if (!isFirst) show(frame);
      isFirst = false;
    });
    listenForPointer(
      place.current,
      panel,
      () => frames.frame.peek(),
      (dragged) => {
        drag.value = dragged;
      },
      closed.signal,
    );
    return () => {
      unsubscribe();
      closed.abort();
    };
  }, [metric, panel, frames, drag]);
  const frame = frames.frame.value;
  const { from_s, to_s } = frame.range;
  return (
    <div
      ref={place}
      class="nbrtc-chart"
      role="slider"
      tabIndex={0}
      aria-label={`${metric.title}, ${spanText(to_s - from_s)}`}
      aria-valuemin={Math.round(from_s)}
      aria-valuemax={Math.round(to_s)}
      aria-valuenow={Math.round(readingTime(frame, panel.cursor.value))}
      aria-valuetext={spokenOf(metric, frame, panel)}
    >
      <div ref={canvas} class="nbrtc-canvas" />
      <Marks panel={panel} drag={drag.value} />
      <Readout metric={metric} panel={panel} frames={frames} />
    </div>
  );
}

export function ChartView(props: ChartProps) {
  return (
    <div class="nbrtc-plot">
      <div class="nbrtc-plot-head">
        <span class="nbrtc-plot-title">{props.metric.title}</span>
        <span class="nbrtc-plot-values">
          <Summary {...props} />
        </span>
      </div>
      <Place {...props} />
    </div>
  );
}
