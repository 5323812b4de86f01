/** Puts a statistics panel into an element of a page, without a call around it. */
import { render } from "preact";
import type { Panel } from "./panel";
import { Statistics } from "./statistics";
import "./statistics-view.css";

/** Render `panel` into `element` until `signal` aborts. */
export function mountStatistics(element: HTMLElement, panel: Panel, signal: AbortSignal): void {
  if (signal.aborted) return;
  const root = element.ownerDocument.createElement("div");
  root.className = "nbrtc nbrtc-statistics-view";
  // a notebook in command mode takes letters and digits as commands: none of them leaves
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  element.append(root);
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
