/** ResizeObserver by hand: a browser lays out what a test says, when it says so. */
import { vi } from "vitest";

type Entries = readonly { readonly contentRect: { readonly width: number; readonly height: number } }[];

export class FakeSizes {
  static #observing = new Set<FakeSizes>();
  readonly #tell: (entries: Entries) => void;
  readonly #elements = new Set<Element>();

  constructor(tell: (entries: Entries) => void) {
    this.#tell = tell;
    FakeSizes.#observing.add(this);
  }

  /** In place of the browser's, until `vi.unstubAllGlobals`. */
  static install(): void {
    FakeSizes.#observing.clear();
    vi.stubGlobal("ResizeObserver", FakeSizes);
  }

  /** The browser lays out what matches and is in the document. */
  static layOut(selector: string, width = 120, height = 28): void {
    for (const observer of [...FakeSizes.#observing]) {
      const found = [...observer.#elements].filter((each) => each.isConnected && each.matches(selector));
      if (found.length > 0) observer.#tell(found.map(() => ({ contentRect: { width, height } })));
    }
  }

  observe(element: Element): void {
    this.#elements.add(element);
  }

  unobserve(element: Element): void {
    this.#elements.delete(element);
  }

  disconnect(): void {
    this.#elements.clear();
    FakeSizes.#observing.delete(this);
  }
}
