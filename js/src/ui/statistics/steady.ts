/** Findings come and go each second; a person needs longer. What is said stays said for a while, and begins late. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { Finding } from "../../messages";

/** What passes sooner is not worth a line over the pictures. */
export const APPEAR_MS = 3000;
/** Long enough to be read. */
export const STAY_MS = 5000;

export interface Shown {
  readonly finding: Finding;
  /** How many more there are. */
  readonly others: number;
}

/** The same problem, whatever its figures are now. */
export const keyOf = ({ code, participant, direction, kind }: Finding): string =>
  [code, participant, direction, kind].join();

export class Steady {
  readonly #show: (shown: Shown | null) => void;
  readonly #stop: () => void;
  /** Since when each problem is there. */
  #since_ms = new Map<string, number>();
  #findings: readonly Finding[] = [];
  #shown: Shown | null = null;
  #shown_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(findings: ReadonlySignal<readonly Finding[]>, show: (shown: Shown | null) => void) {
    this.#show = show;
    this.#stop = effect(() => this.#take(findings.value));
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#timer);
  }

  #take(findings: readonly Finding[]): void {
    const now_ms = performance.now();
    this.#findings = findings.filter(({ level }) => level !== "info");
    this.#since_ms = new Map(
      this.#findings.map((finding) => [keyOf(finding), this.#since_ms.get(keyOf(finding)) ?? now_ms]),
    );
    this.#decide();
  }

  #decide(): void {
    clearTimeout(this.#timer);
    const now_ms = performance.now();
    const rest_ms = this.#shown === null ? 0 : this.#shown_ms + STAY_MS - now_ms;
    if (rest_ms > 0) {
      this.#again(rest_ms);
      return;
    }
    const age_ms = (finding: Finding) => now_ms - (this.#since_ms.get(keyOf(finding)) ?? now_ms);
    const lasting = this.#findings.filter((finding) => age_ms(finding) >= APPEAR_MS);
    const [worst] = lasting;
    if (worst === undefined) this.#say(null);
    else this.#say({ finding: worst, others: lasting.length - 1 });
    const ages = this.#findings.map((finding) => APPEAR_MS - age_ms(finding)).filter((wait) => wait > 0);
    if (ages.length > 0) this.#again(Math.max(Math.min(...ages), this.#shown === null ? 0 : STAY_MS));
  }

  #again(wait_ms: number): void {
    this.#timer = setTimeout(() => this.#decide(), wait_ms);
  }

  #say(shown: Shown | null): void {
    if (shown === null && this.#shown === null) return;
    this.#shown = shown;
    this.#shown_ms = performance.now();
    this.#show(shown);
  }
}
