/**
 * Whether a live kernel stands behind the widget. Asks by hello until somebody answers; a saved widget state alone never
 * answers, so nothing can be started in a notebook without a kernel.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export type Kernel =
  | "waiting"
  | "alive"
  | "silent" // asked for a while, and nobody answers
  | "gone"; // restarted or ended: this widget's other half does not exist any more

const AGAIN_MS = 2000;
/** The pauses double up to this: every hello waits in the queue of a kernel that is busy for minutes. */
const LONGEST_MS = 32_000;
const PATIENCE_MS = 6000;

export class Presence {
  readonly #kernel: Signal<Kernel> = signal("waiting");
  readonly #hello: () => boolean;
  #watching = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `hello` asks once; false means that there is no way to the kernel. */
  constructor(hello: () => boolean) {
    this.#hello = hello;
  }

  get kernel(): ReadonlySignal<Kernel> {
    return this.#kernel;
  }

  /** Ask now, and again until somebody answers. */
  ask(): void {
    this.#say(performance.now(), AGAIN_MS);
  }

  /** Go on asking after an answer: while a camera is open and no link would tell of the kernel's end. */
  watch(on: boolean): void {
    this.#watching = on;
    if (on) this.ask();
  }

  heard(): void {
    this.#kernel.value = "alive";
    this.stop();
    if (this.#watching) this.#timer = setTimeout(() => this.ask(), AGAIN_MS);
  }

  gone(): void {
    this.#kernel.value = "gone";
    this.#watching = false;
    this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #say(began_ms: number, pause_ms: number): void {
    this.stop();
    if (!this.#hello()) return;
    if (this.#kernel.value === "waiting" && performance.now() - began_ms >= PATIENCE_MS) {
      this.#kernel.value = "silent";
    }
    this.#timer = setTimeout(() => this.#say(began_ms, Math.min(2 * pause_ms, LONGEST_MS)), pause_ms);
  }
}
