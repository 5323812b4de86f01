/** The keyboard inside the widget: single letters for the call. */
import type { SessionView } from "../contract";
import { actionsOf } from "./actions";
import { takesText } from "./notebook-keys";
import type { Opened } from "./popover";

/** Escape, where no panel has used it up. */
function closeDrawer(session: SessionView, event: KeyboardEvent): void {
  if (event.isComposing || session.drawer.value === null) return;
  event.preventDefault();
  session.drawer.value = null;
}

/** Listen on `root` until `signal` aborts. */
export function listenForShortcuts(
  root: HTMLElement,
  session: SessionView,
  opened: Opened,
  signal: AbortSignal,
): void {
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
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
