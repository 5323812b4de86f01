/** Where the keyboard focus is, also where a frontend puts the view into a shadow root. */
import { useLayoutEffect } from "preact/hooks";

/** The focused element of the tree that holds `element`; null where the focus is elsewhere. */
function activeOf(element: HTMLElement): Element | null {
  // A document or a shadow root; for an element that is in neither, its outermost ancestor, which has no focus.
  const { activeElement = null } = element.getRootNode() as Partial<DocumentOrShadowRoot>;
  return activeElement;
}

export const holdsFocus = (element: HTMLElement): boolean => element.contains(activeOf(element));

/** What inside `element` has the focus, to give it back later. */
export function focusedIn(element: HTMLElement): HTMLElement | null {
  const active = activeOf(element);
  return active instanceof HTMLElement && element.contains(active) ? active : null;
}

/**
 * A button that goes with what it stood in, as `shown` changes, would drop the focus onto the notebook, and the next
 * letter would be a command there.
 */
export function useFocusKept(root: HTMLElement, shown: string): void {
  const had = holdsFocus(root);
  useLayoutEffect(() => {
    if (had && !holdsFocus(root)) root.focus({ preventScroll: true });
  }, [shown]);
}
