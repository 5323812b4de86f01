/** The keyboard inside the widget: single letters for the call, and none of them for the notebook around it. */
import type { SessionView } from "../contract";
import { actionsOf } from "./actions";
import type { Opened } from "./popover";

const takesText = (target: EventTarget | undefined): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName));

/** Escape, where no panel has used it up. */
function closeDrawer(session: SessionView, event: KeyboardEvent): void {
  if (event.isComposing || session.drawer.value === null) return;
  event.preventDefault();
  session.drawer.value = null;
}

/**
 * Listen on `root` until `signal` aborts.
 *
 * A notebook in command mode takes letters as commands (m makes a Markdown cell, d d deletes one), so plain keys end
 * at the root. JupyterLab listens in the capture phase, before any of ours; the attribute keeps its commands away.
 */
export function listenForShortcuts(
  root: HTMLElement,
  session: SessionView,
  opened: Opened,
  signal: AbortSignal,
): void {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation();
      if (event.shiftKey || event.repeat || event.defaultPrevented) return;
      if (event.key === "Escape") closeDrawer(session, event);
      // composedPath, because in a shadow root `target` is the host.
      if (takesText(event.composedPath()[0])) return;
      const action = Object.values(actionsOf(session, opened)).find(
        ({ shortcut }) => shortcut === event.key.toLowerCase(),
      );
      if (!action?.present || !action.available) return;
      event.preventDefault();
      action.run();
    },
    { signal },
  );
}
