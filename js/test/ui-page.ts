/** A page with one view of a fake session, and the few questions that the tests ask of it. */
import { FakeSession } from "../dev/fake-session";
import { mount } from "../src/ui/mount";

export interface View {
  readonly cell: HTMLElement;
  readonly session: FakeSession;
  close(): void;
}

export function open(prepare: (session: FakeSession) => void = () => {}, session = new FakeSession()): View {
  prepare(session);
  const cell = document.createElement("div");
  document.body.append(cell);
  const closed = new AbortController();
  mount(cell, session, closed.signal);
  return { cell, session, close: () => closed.abort() };
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Preact renders in the next turn after a signal changed, and runs effects once that was painted. */
export async function settle(): Promise<void> {
  await painted();
  await painted();
}

export const nameOf = (element: Element): string =>
  (element.getAttribute("aria-label") ?? element.textContent ?? "").trim();

export const buttons = (view: View): readonly HTMLButtonElement[] => [
  ...view.cell.querySelectorAll<HTMLButtonElement>("button"),
];

export function button(view: View, name: string): HTMLButtonElement {
  const found = buttons(view).filter((candidate) => nameOf(candidate) === name);
  if (found.length !== 1 || !found[0]) {
    throw new Error(`${found.length} buttons are named ${name}; there are: ${buttons(view).map(nameOf)}`);
  }
  return found[0];
}

export const has = (view: View, name: string): boolean =>
  buttons(view).some((found) => nameOf(found) === name);

export function select<Kind extends HTMLElement>(view: View, selector: string): Kind {
  const found = view.cell.querySelector<Kind>(selector);
  if (!found) throw new Error(`Nothing in the view matches ${selector}.`);
  return found;
}

/** The text of the view with single spaces, as a person reads it. */
export const words = (view: View): string => (view.cell.textContent ?? "").replace(/\s+/g, " ");

/** Press a key on an element of the view; the answer says whether the notebook around it heard it. */
export function press(target: Element, key: string, more: KeyboardEventInit = {}): boolean {
  let heard = false;
  const listen = () => {
    heard = true;
  };
  document.body.addEventListener("keydown", listen);
  target.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true, ...more }),
  );
  document.body.removeEventListener("keydown", listen);
  return heard;
}
