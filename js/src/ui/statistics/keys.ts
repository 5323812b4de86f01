/** The keyboard in a statistics panel: + and - zoom, arrows move, with Shift they read, Space stops, 0 goes back. */
import type { Frame } from "./frames";
import type { Panel } from "./panel";
import { panned, zoomed } from "./time-window";

export function zoom(panel: Panel, frame: Frame, step: 1 | -1, fraction?: number): void {
  panel.window.value = zoomed(panel.window.value, frame.extent, step, fraction);
}

/** Stand still at what is shown now, or jump to now. */
export function pause(panel: Panel, frame: Frame): void {
  const { span_s, end_s } = panel.window.value;
  panel.window.value = { span_s, end_s: end_s === null ? frame.range.to_s : null };
}

/** The cursor to the next poll of the first participant, from the right end where there was none. */
function read(panel: Panel, { series, range: { from_s, to_s } }: Frame, step: 1 | -1): void {
  const points = series[0]?.points.filter(({ time_s }) => time_s >= from_s && time_s <= to_s) ?? [];
  const at_s = from_s + (panel.cursor.value ?? 1) * (to_s - from_s);
  const least_s = (to_s - from_s) / 10_000; // the cursor is a fraction, and comes back a little beside the poll
  const next =
    step > 0
      ? points.find(({ time_s }) => time_s > at_s + least_s)
      : points.findLast(({ time_s }) => time_s < at_s - least_s);
  if (next !== undefined) panel.cursor.value = (next.time_s - from_s) / (to_s - from_s);
}

/** What works everywhere in the panel. */
const anywhere: Readonly<Record<string, (panel: Panel, frame: Frame) => void>> = {
  "+": (panel, frame) => zoom(panel, frame, 1),
  "=": (panel, frame) => zoom(panel, frame, 1), // the same key without Shift
  "-": (panel, frame) => zoom(panel, frame, -1),
  "0": (panel) => {
    panel.window.value = panel.usual;
  },
};

/** What only a chart takes: elsewhere these keys press buttons and move through menus. */
function onChart(event: KeyboardEvent, panel: Panel, frame: Frame): boolean {
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key] as 1 | -1 | undefined;
  if (direction !== undefined) {
    if (event.shiftKey) read(panel, frame, direction);
    else panel.window.value = panned(panel.window.value, frame.extent, direction / 4);
  } else if (event.key === "Home") {
    panel.window.value = panned(panel.window.value, frame.extent, Number.NEGATIVE_INFINITY);
  } else if (event.key === "End") {
    panel.window.value = { ...panel.window.value, end_s: null };
  } else if (event.key === " " && panel.isLive) {
    pause(panel, frame);
  } else if (event.key === "Escape" && panel.cursor.value !== null) {
    panel.cursor.value = null;
  } else {
    return false;
  }
  return true;
}

export function takeKey(event: KeyboardEvent, panel: Panel, frame: Frame): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return;
  const act = anywhere[event.key];
  if (act !== undefined) act(panel, frame);
  else if (target.closest("[role=slider]") === null || !onChart(event, panel, frame)) return;
  event.preventDefault();
}
