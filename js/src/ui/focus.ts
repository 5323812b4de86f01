/** Where the keyboard focus is, also where a frontend puts the view into a shadow root. */

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
