/** "Check my connection": this page's checks and Python's, all at a time, each with its own end. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { CheckView } from "../contract";
import { newId } from "../ids";
import type { CheckResult, Event, IceConfiguration, Intent } from "../messages";
import type { Request } from "../requests";
import { codecs, devices, permission, secureContext } from "./browser-checks";
import { encoderSpeed } from "./encoder-check";
import { line, within } from "./line";
import { candidates, servers } from "./network-checks";
import { pathToPython } from "./path-check";

/** Python's part; its own checks end sooner. */
const PYTHON_MS = 10_000;
const ANSWER_MS = 6_000;

export interface CheckupOptions {
  /** On the guest page the room's server is asked instead. */
  readonly hasPython: () => boolean;
  readonly ice: () => IceConfiguration;
  /** Resolves with the reply; rejects with a sentence. */
  readonly ask: (request: Request) => Promise<unknown>;
  readonly send: (intent: Intent) => void;
}

export class Checkup implements CheckView {
  readonly #options: CheckupOptions;
  readonly #results: Signal<readonly CheckResult[]> = signal([]);
  readonly #isRunning: Signal<boolean> = signal(false);
  #run = new AbortController();
  #waiting = new Map<string, (event: Event) => void>();

  constructor(options: CheckupOptions) {
    this.#options = options;
  }

  get results(): ReadonlySignal<readonly CheckResult[]> {
    return this.#results;
  }

  get isRunning(): ReadonlySignal<boolean> {
    return this.#isRunning;
  }

  async run(): Promise<void> {
    this.cancel();
    const run = new AbortController();
    this.#run = run;
    this.#results.value = [];
    this.#isRunning.value = true;
    const add = (...found: readonly CheckResult[]) => {
      if (!run.signal.aborted) this.#results.value = [...this.#results.value, ...found];
    };
    const ice = this.#options.ice();
    add(secureContext(), codecs());
    await Promise.all([
      permission("camera").then(add),
      permission("microphone").then(add),
      devices().then(add),
      candidates(ice, run.signal).then(add),
      servers(ice.iceServers, run.signal).then((found) => add(...found)),
      this.#options.hasPython() ? this.#python(ice, run.signal, add) : this.#server().then(add),
    ]);
    // last: it takes the processor from what is measured
    if (!run.signal.aborted) add(await encoderSpeed());
    if (run.signal.aborted) return;
    this.#isRunning.value = false;
    if (this.#options.hasPython()) this.#options.send({ type: "check-report", checks: this.#results.value });
  }

  cancel(): void {
    this.#run.abort();
    this.#waiting.clear();
    this.#isRunning.value = false;
  }

  /** What Python says of a check; another one's means nothing any more. */
  take(event: Event): void {
    if (event.type === "check-answer" || event.type === "checked") this.#waiting.get(event.id)?.(event);
  }

  async #python(
    ice: IceConfiguration,
    ended: AbortSignal,
    add: (...found: readonly CheckResult[]) => void,
  ): Promise<void> {
    const asked = this.#fromPython(ended, add).then((isDone) => {
      if (isDone || ended.aborted) return;
      const detail = `Python has not finished its checks within ${PYTHON_MS / 1000} s.`;
      add(
        line(
          "python-checks",
          "Python's checks",
          "fail",
          detail,
          "Is the kernel running? Run the cell again.",
        ),
      );
    });
    const path = pathToPython({ ice, ask: (sdp) => this.#answer(sdp), ended }).then(add);
    await Promise.all([asked, path]);
  }

  /** Whether it came to its end. */
  #fromPython(ended: AbortSignal, add: (...found: readonly CheckResult[]) => void): Promise<boolean> {
    const id = newId();
    const done = new Promise<boolean>((resolve) => {
      this.#waiting.set(id, (event) => {
        if (event.type !== "checked") return;
        add(...event.checks);
        if (event.done) resolve(true);
      });
      ended.addEventListener("abort", () => resolve(false), { once: true });
    });
    const began_ms = performance.now();
    this.#options.ask({ type: "run-checks", id }).then(
      () => {
        const took_s = (performance.now() - began_ms) / 1000;
        const detail = `Python answers this page after ${Math.round(1000 * took_s)} ms.`;
        add(line("python", "Way to Python", "pass", detail, "", took_s, "s"));
      },
      () => undefined, // silence is told by who waits for the end
    );
    return within(PYTHON_MS, done, () => false).finally(() => this.#waiting.delete(id));
  }

  async #answer(sdp: string): Promise<string> {
    const id = newId();
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting.set(id, (event) => event.type === "check-answer" && resolve(event.sdp));
      this.#options.ask({ type: "check-offer", id, sdp }).catch(reject);
    });
    const late = new Promise<string>((_, reject) => {
      setTimeout(() => reject(new Error(`Python has not answered within ${ANSWER_MS / 1000} s.`)), ANSWER_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      this.#waiting.delete(id);
    }
  }

  async #server(): Promise<CheckResult> {
    const title = "The room's server";
    const began_ms = performance.now();
    const late = () => null;
    const answer = await within(ANSWER_MS, fetch("/health", { cache: "no-store" }).catch(late), late);
    const took_ms = performance.now() - began_ms;
    if (answer?.ok) {
      const detail = `It answers after ${took_ms.toFixed(0)} ms.`;
      return line("signaling", title, "pass", detail, "", took_ms / 1000, "s");
    }
    const detail = answer === null ? "It does not answer." : `It answers with status ${answer.status}.`;
    return line("signaling", title, "fail", detail, "Reload the page; ask whoever runs the server.");
  }
}
