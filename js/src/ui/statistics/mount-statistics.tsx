/** Puts a statistics panel into an element of a page, without a call around it. */
import { render } from "preact";
import { keepKeys } from "../notebook-keys";
import type { Panel } from "./panel";
import { Statistics } from "./statistics";
import "./statistics-view.css";

/** Render `panel` into `element` until `signal` aborts. */
export function mountStatistics(element: HTMLElement, panel: Panel, signal: AbortSignal): void {
  if (signal.aborted) return;
  const root = element.ownerDocument.createElement("div");
  root.className = "nbrtc nbrtc-statistics-view";
  element.append(root);
  keepKeys(root, signal);
  render(<Statistics panel={panel} />, root);
  signal.addEventListener(
    "abort",
    () => {
      render(null, root);
      root.remove();
    },
    { once: true },
  );
}
