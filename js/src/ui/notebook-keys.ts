/** Which keys are the notebook's while the focus is in a view, and which end there. */

const LUMINO = "data-lm-suppress-shortcuts";

export const takesText = (target: EventTarget | undefined): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName));

const isCombination = ({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => ctrlKey || metaKey || altKey;

const runsAndGoesOn = (event: KeyboardEvent): boolean =>
  event.shiftKey && event.key === "Enter" && !isCombination(event);

/** Ctrl+S saves, Shift+Enter runs the cell and goes on; in a field both belong to the field. */
function isForNotebook(event: KeyboardEvent): boolean {
  // composedPath, because in a shadow root `target` is the host.
  if (takesText(event.composedPath()[0])) return false;
  return isCombination(event) || runsAndGoesOn(event);
}

/** Select the cell below that of `root`, if there is one; false outside of JupyterLab. */
function goOn(root: HTMLElement): boolean {
  const cell = root.closest(".jp-Cell");
  const next = cell?.nextElementSibling;
  if (next instanceof HTMLElement) next.focus(); // JupyterLab selects what has the focus
  return cell !== null;
}

/**
 * Keep plain keys inside `root` until `signal` aborts.
 *
 * A notebook in command mode takes letters as commands (m makes a Markdown cell, d d deletes one), so they end at the
 * root. JupyterLab before 4.1 listens on the document in the capture phase, before any listener of the root's: there
 * Lumino's attribute keeps its commands away, and only the window is early enough to take it off for a key.
 *
 * A click into a view selects its cell, and whoever then goes on with Shift+Enter would run it again, which ends its call:
 * while `isInCall` that only goes on.
 */
export function keepKeys(root: HTMLElement, signal: AbortSignal, isInCall = () => false): void {
  root.setAttribute(LUMINO, "true");
  root.ownerDocument.defaultView?.addEventListener(
    "keydown",
    (event) => {
      if (!event.composedPath().includes(root)) return;
      const isForIt = isForNotebook(event);
      if (isForIt && runsAndGoesOn(event) && isInCall() && goOn(root)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else if (isForIt) root.removeAttribute(LUMINO);
      else root.setAttribute(LUMINO, "true");
    },
    { capture: true, signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (!isCombination(event) && !isForNotebook(event)) event.stopPropagation();
    },
    { signal },
  );
}
