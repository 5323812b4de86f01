/** Whether the keyboard focus is inside an element, also where a frontend puts the view into a shadow root. */
export function holdsFocus(element: HTMLElement): boolean {
  // A document or a shadow root; for an element that is in neither, its outermost ancestor, which has no focus.
  const { activeElement = null } = element.getRootNode() as Partial<DocumentOrShadowRoot>;
  return element.contains(activeElement);
}
