/** The pointer over a chart: it reads, and dragged it chooses the time; the wheel zooms a chart that has the focus. */

import { holdsFocus } from "../focus";
import { fractionAt } from "./chart";
import type { Frame } from "./frames";
import { zoom } from "./keys";
import type { Panel } from "./panel";
import { between } from "./time-window";

/** A drag shorter than this is a click. */
const LEAST_DRAG_PX = 6;

/** So much of the wheel is one step. */
const WHEEL_STEP = 60;

export interface Drag {
  readonly from: number;
  readonly to: number;
}

/** Listen on `element` until `signal` aborts; `show` draws what is being chosen. */
export function listenForPointer(
  element: HTMLElement,
  panel: Panel,
  frameNow: () => Frame,
  show: (drag: Drag | null) => void,
  signal: AbortSignal,
): void {
  let start: { readonly x: number; readonly fraction: number } | null = null;
  let wheel = 0;

  const end = () => {
    start = null;
    panel.isHeld.value = false;
    show(null);
  };
  const listeners: {
    readonly [Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void;
  } = {
    pointerdown: (event) => {
      if (event.button !== 0) return;
      start = { x: event.clientX, fraction: fractionAt(element, event.clientX) };
      panel.isHeld.value = true;
      element.setPointerCapture(event.pointerId);
    },
    pointermove: (event) => {
      const fraction = fractionAt(element, event.clientX);
      panel.cursor.value = fraction;
      if (start) show({ from: Math.min(start.fraction, fraction), to: Math.max(start.fraction, fraction) });
    },
    pointerup: (event) => {
      if (start && Math.abs(event.clientX - start.x) >= LEAST_DRAG_PX) {
        const { extent, range } = frameNow();
        const timeAt = (fraction: number) => range.from_s + fraction * (range.to_s - range.from_s);
        const ends = [start.fraction, fractionAt(element, event.clientX)];
        const chosen = { from_s: timeAt(Math.min(...ends)), to_s: timeAt(Math.max(...ends)) };
        panel.window.value = between(chosen, extent);
      }
      end();
    },
    pointercancel: end,
    pointerleave: () => {
      if (!start) panel.cursor.value = null;
    },
    dblclick: () => {
      panel.window.value = panel.usual;
    },
  };
  for (const [type, listener] of Object.entries(listeners)) {
    element.addEventListener(type, listener as EventListener, { signal });
  }
  element.addEventListener(
    "wheel",
    (event) => {
      // the wheel belongs to the page, unless the person asks for the chart
      if (!event.ctrlKey && !event.metaKey && !holdsFocus(element)) return;
      event.preventDefault();
      wheel += event.deltaY;
      if (Math.abs(wheel) < WHEEL_STEP) return;
      zoom(panel, frameNow(), wheel < 0 ? 1 : -1, fractionAt(element, event.clientX));
      wheel = 0;
    },
    { signal, passive: false },
  );
  const leave = () => {
    end();
    panel.cursor.value = null; // whatever is removed under the pointer hears of no leaving
  };
  signal.addEventListener("abort", leave, { once: true });
}
