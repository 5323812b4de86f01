/**
 * A plain page for benchmarks/panel.py: a call's statistics, three participants polled once a second with an hour behind
 * them, and the panel that shows them, which can be closed while they go on.
 */
import { FakeStats } from "../dev/fake-session";
import { measure } from "../dev/stats-scene";
import { mountStatistics } from "../src/ui/statistics/mount-statistics";
import { callPanel } from "../src/ui/statistics/panel";

const stats = new FakeStats();
const panel = callPanel(stats);
let shown = new AbortController();

const api = {
  start: (participants: number, history: number) =>
    measure(
      stats,
      new URLSearchParams({ measured: `${participants}`, history: `${history}`, findings: "1" }),
    ),
  /** Idempotent, as a drawer is. */
  close: () => shown.abort(),
  open: (span_s: number, isPaused: boolean) => {
    shown.abort();
    shown = new AbortController();
    const newest_s = Math.max(...stats.series.value.map(({ points }) => points.at(-1)?.time_s ?? 0));
    panel.window.value = { span_s, end_s: isPaused ? newest_s : null };
    mountStatistics(document.body, panel, shown.signal);
  },
  canvases: () => document.querySelectorAll("canvas").length,
  points: () => stats.series.value.reduce((count, { points }) => count + points.length, 0),
};

Object.assign(globalThis, { panel: api });
