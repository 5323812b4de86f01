/** The views that show one session. Scrolling or moving a cell takes its view away for a moment. */

/** Only a longer absence ends the call. */
export const GRACE_MS = 3000;

export class Views {
  readonly #onLeft: () => void;
  readonly #onGone: () => void;
  #count = 0;
  #grace: ReturnType<typeof setTimeout> | undefined;

  /** `onLeft` is told at once when the last one went, `onGone` when none came back within the grace. */
  constructor(onLeft: () => void, onGone: () => void) {
    this.#onLeft = onLeft;
    this.#onGone = onGone;
  }

  /** A view is there until `ended` aborts. */
  attach(ended: AbortSignal): void {
    this.#count += 1;
    this.settle();
    ended.addEventListener("abort", () => this.#detach(), { once: true });
  }

  /** Do not wait any more. */
  settle(): void {
    clearTimeout(this.#grace);
  }

  #detach(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#onLeft();
    this.#grace = setTimeout(this.#onGone, GRACE_MS);
  }
}
