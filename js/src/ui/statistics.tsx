/** The statistics drawer: four plots of the last minute, with the present values in words. */
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { drawChart } from "./chart";
import { type Plot, plots } from "./plots";

interface PlotProps {
  readonly session: SessionView;
  readonly plot: Plot;
}

function Values({ session, plot }: PlotProps) {
  const newest = session.plot.value.at(-1);
  return (
    <span class="nbrtc-plot-values">
      {plot.curves.map(({ name, read }, index) => (
        <span key={name} class={`nbrtc-plot-value nbrtc-plot-value--${index === 0 ? "first" : "second"}`}>
          {name !== "" && <span class="nbrtc-plot-direction">{name}</span>}
          {plot.textOf(newest === undefined ? null : read(newest))}
        </span>
      ))}
    </span>
  );
}

function Chart({ session, plot }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!place.current) return;
    const closed = new AbortController();
    const show = drawChart(plot, place.current, closed.signal);
    const unsubscribe = effect(() => show(session.plot.value));
    return () => {
      unsubscribe();
      closed.abort();
    };
  }, [session, plot]);
  return <div ref={place} class="nbrtc-chart" role="img" aria-label={`${plot.title} of the last minute`} />;
}

export function Statistics({ session }: { readonly session: SessionView }) {
  return (
    <section class="nbrtc-statistics" aria-label="Statistics of the last minute">
      {plots.map((plot) => (
        <div key={plot.title} class="nbrtc-plot">
          <div class="nbrtc-plot-head">
            <span class="nbrtc-plot-title">{plot.title}</span>
            <Values session={session} plot={plot} />
          </div>
          <Chart session={session} plot={plot} />
        </div>
      ))}
    </section>
  );
}
