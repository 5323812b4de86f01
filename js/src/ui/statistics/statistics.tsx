/** The statistics panel: charts of what is measured, live or loaded, and what is wrong. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { clockText } from "../format";
import { ChartView } from "./chart-view";
import { PanelFindings } from "./findings";
import { Frames, readingTime } from "./frames";
import { takeKey } from "./keys";
import { metricsOf } from "./metrics";
import { lineClass, PaletteProbe } from "./palette";
import type { Panel } from "./panel";
import { PanelBar } from "./panel-bar";

interface PartProps {
  readonly panel: Panel;
  readonly frames: Frames;
}

/** What the lines mean. One line high whoever joins: nothing below it moves. */
function Legend({ frames }: Omit<PartProps, "panel">) {
  const { all, series } = frames.frame.value;
  if (all.length > 0 && series.length === 0) {
    return <p class="nbrtc-legend">Nobody of those who were chosen is here: see Participants.</p>;
  }
  return (
    <p class="nbrtc-legend">
      <span class="nbrtc-legend-line nbrtc-legend-line--send">sent</span>
      <span class="nbrtc-legend-line nbrtc-legend-line--receive">received</span>
      {series.map(({ peer, name, colour }) => (
        <span key={peer} class="nbrtc-legend-name" title={name}>
          <i class={`nbrtc-swatch ${lineClass(colour)}`} aria-hidden="true" />
          <bdi>{name}</bdi>
        </span>
      ))}
    </p>
  );
}

/** From when to when, and in between the time at the cursor. */
function Times({ panel, frames }: PartProps) {
  const frame = frames.frame.value;
  const cursor = panel.cursor.value;
  const { from_s, to_s } = frame.range;
  return (
    <p class="nbrtc-times">
      <span>{frame.series.length > 0 && clockText(from_s)}</span>
      <strong>{cursor !== null && frame.series.length > 0 && clockText(readingTime(frame, cursor))}</strong>
      <span>{frame.series.length > 0 && clockText(to_s)}</span>
    </p>
  );
}

export function Statistics({ panel }: { readonly panel: Panel }) {
  const root = useRef<HTMLElement>(null);
  const frames = useMemo(() => new Frames(panel, () => root.current), [panel]);
  useLayoutEffect(() => {
    if (!root.current) return;
    const closed = new AbortController();
    frames.follow(root.current, closed.signal);
    return () => closed.abort();
  }, [frames]);
  return (
    <section
      ref={root}
      class="nbrtc-statistics"
      aria-label="Statistics"
      onKeyDown={(event) => takeKey(event, panel, frames.frame.peek())}
    >
      <PaletteProbe />
      <PanelBar panel={panel} frames={frames} />
      <PanelFindings panel={panel} />
      <Legend frames={frames} />
      <div class="nbrtc-plots">
        {metricsOf(panel.choice.metrics.value).map((metric) => (
          <ChartView key={metric.key} metric={metric} panel={panel} frames={frames} />
        ))}
      </div>
      <Times panel={panel} frames={frames} />
    </section>
  );
}
