/** Python's part of a connection check: what it will look at, what it finds, and its end of the path to it. */
import { newId } from "../ids";
import type { CheckName, CheckResult, Event } from "../messages";
import type { Request } from "../requests";
import { withResolvers } from "../with-resolvers";
import { type Check, verdict } from "./check";

/** For the reply to a question. */
const ANSWER_MS = 5_000;
const RUN_AGAIN = "Is the kernel running, or busy with a cell? Run this cell again.";

/** What it looks at before it does several things at a time; that is quick, or only waits. */
const FIRST = /^python-(versions|encoder)/;

/** Stands for all of Python's lines until it has said which they are. */
export const PYTHONS: CheckName = { name: "python-checks", title: "Python's checks" };

const NEVER = new Promise<never>(() => {});

/** Resolves with the reply; rejects with a sentence. */
export type Ask = (request: Request, over: AbortSignal) => Promise<unknown>;

export interface Hearer {
  planned(names: readonly CheckName[]): void;
  found(results: readonly CheckResult[]): void;
}

export class PythonPart {
  readonly #ask: Ask;
  readonly #id = newId();
  readonly #offer = newId();
  readonly #hearer: Hearer;
  readonly #done = withResolvers<void>();
  readonly #quiet = withResolvers<void>();
  readonly #answer = withResolvers<string>();

  constructor(ask: Ask, hearer: Hearer) {
    this.#ask = ask;
    this.#hearer = hearer;
  }

  /** Resolves when it has said all, or refused to look. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Resolves when its encoders, which come first, are done with the processor; or when all is done. */
  get quiet(): Promise<void> {
    return Promise.race([this.#quiet.promise, this.#done.promise]);
  }

  /** What Python says of a check; another one's means nothing any more. */
  take(event: Event): void {
    if (event.type === "check-answer" && event.id === this.#offer) this.#answer.resolve(event.sdp);
    if (event.type !== "checked" || event.id !== this.#id) return;
    if (event.planned.length > 0) this.#hearer.planned(event.planned);
    this.#hearer.found(event.checks);
    if (event.checks.some(({ name }) => !FIRST.test(name))) this.#quiet.resolve();
    if (event.done) this.#done.resolve();
  }

  /** Its answer to an offer; rejects with a sentence. */
  async answer(sdp: string, over: AbortSignal): Promise<string> {
    const refused = this.#ask({ type: "check-offer", id: this.#offer, sdp }, over).then(() => NEVER);
    return Promise.race([this.#answer.promise, refused]);
  }

  /** Asks for its checks when `when` is over; how long it takes to reply is a line of its own. */
  way(when: Promise<unknown>): Check {
    return {
      name: "python",
      title: "Way to Python",
      limit_ms: ANSWER_MS,
      late: verdict("fail", `Python has not answered within ${ANSWER_MS / 1000} s.`, RUN_AGAIN),
      run: async (over) => {
        await when;
        const began_ms = performance.now();
        try {
          await this.#ask({ type: "run-checks", id: this.#id }, over);
        } catch (error) {
          this.#done.resolve();
          return verdict("fail", error instanceof Error ? error.message : String(error), RUN_AGAIN);
        }
        const took_ms = performance.now() - began_ms;
        const detail = `Python answers this page after ${Math.round(took_ms)} ms.`;
        return verdict("pass", detail, "", took_ms / 1000, "s");
      },
    };
  }
}
