/** "Check my connection": this page's checks and Python's, each with its own end, and all of them within eight seconds. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { CheckLine, CheckView, Level } from "../contract";
import type { CheckName, CheckResult, Event, IceConfiguration, Intent } from "../messages";
import { BROWSER } from "./browser-checks";
import { type Check, carryOut, resultOf, verdict, within } from "./check";
import { encoderSpeed } from "./encoder-check";
import { candidates, servers } from "./network-checks";
import { pathToPython } from "./path-check";
import { type Ask, PYTHONS, PythonPart } from "./python-part";
import { SERVER } from "./server-checks";
import { said } from "./summary";

/** What Python has not found by then is not waited for. */
const PYTHON_MS = 8_000;
/** The path is measured when Python's encoders are done with the processor, or by then at the latest. */
const QUIET_MS = 2_500;

export interface CheckupOptions {
  /** On the guest page the room's server is asked instead. */
  readonly hasPython: () => boolean;
  /** With credentials that still hold. */
  readonly ice: () => Promise<IceConfiguration>;
  /** There is a call, whose encoder is not to be disturbed. */
  readonly isInCall: () => boolean;
  readonly ask: Ask;
  readonly send: (intent: Intent) => void;
  /** Beside the picture of a call, where the card is not shown. */
  readonly tell: (level: Level, text: string) => void;
}

export class Checkup implements CheckView {
  readonly #options: CheckupOptions;
  readonly #lines: Signal<readonly CheckLine[]> = signal([]);
  readonly #isRunning: Signal<boolean> = signal(false);
  readonly results = computed(() => this.#lines.value.flatMap(({ found }) => found ?? []));
  #run = new AbortController();
  #python: PythonPart | null = null;
  /** Python waits for the report. */
  #isAwaited = false;

  constructor(options: CheckupOptions) {
    this.#options = options;
  }

  get lines(): ReadonlySignal<readonly CheckLine[]> {
    return this.#lines;
  }

  get isRunning(): ReadonlySignal<boolean> {
    return this.#isRunning;
  }

  async run(): Promise<void> {
    await this.#carryOut();
  }

  /** Resolves with whether it came to its end, and was not cancelled or begun anew. */
  async #carryOut(): Promise<boolean> {
    this.#stop();
    const run = new AbortController();
    this.#run = run;
    const over = run.signal;
    this.#isRunning.value = true;
    const ice = await this.#options.ice();
    if (over.aborted) return false;
    const encoder = encoderSpeed(this.#options.isInCall());
    const isEncoded = carryOut(encoder, over);
    const [checks, end] = this.#options.hasPython()
      ? this.#withPython(ice, isEncoded, over)
      : [SERVER, nothing];
    const own = [
      ...BROWSER,
      candidates(ice),
      ...servers(ice.iceServers, this.#options.hasPython()),
      ...checks,
    ];
    const waiting = [encoder, ...own].map((check) => lineOf(check, "page"));
    this.#lines.value = this.#options.hasPython() ? [...waiting, lineOf(PYTHONS, "engine")] : waiting;
    const found = [isEncoded, ...own.map((check) => carryOut(check, over))];
    await Promise.all([
      ...found.map((each) => each.then((result) => result !== null && this.#put(result))),
      end(),
    ]);
    if (over.aborted) return false;
    this.#isRunning.value = false;
    if (this.#options.hasPython()) this.#report();
    return true;
  }

  /** As Python asked: who is in a call sees no card, and is told. */
  async runForPython(): Promise<void> {
    const { tell, isInCall } = this.#options;
    if (isInCall()) tell("info", "Python has the connection checked: this takes about eight seconds.");
    this.#isAwaited = true;
    const isWhole = await this.#carryOut();
    if (!isWhole || !isInCall()) return;
    const [level, text] = said(this.results.value);
    tell(level, `${text} Python has all of it in call.checks.`);
  }

  /** End it where it is. Python, if it asked, has what was found until now. */
  cancel(): void {
    const isAwaited = this.#isAwaited && this.#isRunning.value;
    this.#stop();
    if (isAwaited) this.#report();
  }

  #report(): void {
    this.#isAwaited = false;
    this.#options.send({ type: "check-report", checks: this.results.value });
  }

  #stop(): void {
    this.#run.abort();
    this.#python = null;
    this.#isRunning.value = false;
  }

  /** What Python says of a check. */
  take(event: Event): void {
    this.#python?.take(event);
  }

  /** The page's checks that need Python, and its own, which go on until they are done or it is too late. */
  #withPython(
    ice: IceConfiguration,
    isEncoded: Promise<unknown>,
    over: AbortSignal,
  ): readonly [readonly Check[], () => Promise<void>] {
    const python = new PythonPart(this.#options.ask, {
      planned: (names) => this.#plan(names),
      found: (results) => this.#put(...results),
    });
    this.#python = python;
    const quiet = within(QUIET_MS, python.quiet, nothing, over);
    const ask = (sdp: string, ended: AbortSignal) => python.answer(sdp, ended);
    const path = pathToPython({ ice, ask, quiet });
    const end = async () => {
      await within(PYTHON_MS, python.done, nothing, over);
      if (!over.aborted) this.#missed();
    };
    return [[python.way(isEncoded), path], end];
  }

  #plan(names: readonly CheckName[]): void {
    const known = this.#lines.value.filter(({ name }) => name !== PYTHONS.name);
    this.#lines.value = [...known, ...names.map((each) => lineOf(each, "engine"))];
  }

  #put(...found: readonly CheckResult[]): void {
    const results = new Map(found.map((result) => [result.name, result]));
    const known = this.#lines.value.map((line) => ({ ...line, found: results.get(line.name) ?? line.found }));
    const names = new Set(known.map(({ name }) => name));
    const unplanned = found
      .filter(({ name }) => !names.has(name))
      .map((result) => ({ ...lineOf(result, result.by), found: result }));
    this.#lines.value = [...known, ...unplanned];
  }

  /** What Python has not found. */
  #missed(): void {
    const detail = `Python has not finished it within ${PYTHON_MS / 1000} s.`;
    const late = verdict("fail", detail, "Is the kernel running? Run the cell again.");
    const open = this.#lines.value.filter(({ by, found }) => by === "engine" && found === null);
    this.#put(...open.map((line) => ({ ...resultOf(line, late), by: line.by })));
  }
}

const nothing = async () => undefined;
const lineOf = ({ name, title }: CheckName, by: CheckLine["by"]): CheckLine => ({
  name,
  title,
  by,
  found: null,
});
