/** The page's part in the analysis of a call: every connection polled and watched, plotted here and told to Python. */
import { computed, type ReadonlySignal } from "@preact/signals";
import type { Devices, PlotPoint, Sending } from "../contract";
import { limitOf, PYTHON } from "../media/plan";
import type { CallState, StatsEvent, StatsSample } from "../messages";
import { type OnCall, watchConnection } from "./connection-events";
import { DeviceEvents } from "./device-events";
import { StatsHistory } from "./history";
import { StatsPoller } from "./poller";
import { Timeline } from "./timeline";

/** The rate is measured, so it wavers; a step of the adaptation is as large as this, and something limits it. */
const STEP_FPS = 4;

export interface AnalysisOptions {
  /** False on the guest page: there is nobody to tell. */
  readonly hasPython: () => boolean;
  readonly state: ReadonlySignal<CallState | null>;
  readonly onPoint: (peer: string, point: PlotPoint) => void;
  /** By the link's data channel; false where it is not open. */
  readonly send: (message: StatsSample | StatsEvent) => boolean;
  readonly sendByComm: (event: StatsEvent) => void;
  readonly onProblem: (text: string) => void;
}

export class Analysis {
  readonly history: StatsHistory;
  readonly #timeline: Timeline;
  readonly devices = new DeviceEvents((value) => this.note("devicechange", value));
  readonly #options: AnalysisOptions;
  readonly #poller: StatsPoller;
  #sending: Sending | null = null;
  #ended = new AbortController();

  constructor(options: AnalysisOptions) {
    this.#options = options;
    this.history = new StatsHistory((peer) => this.#nameOf(peer));
    this.#timeline = new Timeline({ send: options.send, sendByComm: options.sendByComm });
    this.#poller = new StatsPoller(
      {
        onSample: (sample, point) => {
          options.send(sample); // one that is lost is a longer interval
          this.history.add(sample.peer, point);
          options.onPoint(sample.peer, point);
        },
        onProblem: (error) => options.onProblem(`The browser gave no statistics (${error}).`),
      },
      computed(() => options.state.value?.statsIntervalS ?? 1),
    );
  }

  /** A call begins: what the last one showed goes. */
  start(): void {
    this.history.clear();
    this.devices.start();
    this.#sending = null;
    if (this.#options.hasPython()) this.#timeline.start();
    this.#watchVisibility();
  }

  /** A new connection to this peer; `ended` aborts with it. */
  follow(peer: string, connection: RTCPeerConnection, generation: number, ended: AbortSignal): void {
    const emit = this.#timeline.note.bind(this.#timeline);
    watchConnection(connection, { peer, generation, signal: ended, emit });
    void this.#poller.follow(connection, { peer, generation, signal: ended });
  }

  /** Something was asked of a connection. */
  called(peer: string, generation: number, ...[name, value]: Parameters<OnCall>): void {
    this.#timeline.note({ peer, generation, name, value });
  }

  /** Something of the page itself happened. */
  note(name: string, value: string): void {
    this.#timeline.note({ peer: "", name, value });
  }

  /** The link is open: what waited for it goes. */
  opened(): void {
    this.#timeline.flush();
  }

  /** Tell of the adaptation's steps, and of what is plugged in. As long as the page lives. */
  watch(sending: ReadonlySignal<Sending | null>, devices: ReadonlySignal<Devices>): void {
    sending.subscribe((now) => this.#sends(now));
    devices.subscribe((now) => this.devices.list(now));
  }

  /** The call ended; its plots stay until the next one begins. Idempotent. */
  stop(): void {
    this.#ended.abort();
    this.#timeline.stop();
    this.history.findings.value = [];
  }

  /** Browsers slow down what is hidden: without this a background tab would look like trouble. */
  #watchVisibility(): void {
    this.#ended.abort();
    this.#ended = new AbortController();
    const tell = () => this.note("visibilitychange", document.visibilityState);
    document.addEventListener("visibilitychange", tell, { signal: this.#ended.signal });
    tell();
  }

  #sends(sending: Sending | null): void {
    if (!isStep(this.#sending, sending)) return;
    this.#sending = sending;
    this.note("sending", sending === null ? "nothing" : textOf(sending));
  }

  /** The participants of a room, and Python, which is none of them there. */
  #nameOf(peer: string): string | null {
    if (peer === PYTHON) return "Python";
    return this.#options.state.value?.participants.find(({ id }) => id === peer)?.name ?? null;
  }
}

function isStep(before: Sending | null, now: Sending | null): boolean {
  if (before === null || now === null) return before !== now;
  const isResized = before.width !== now.width || before.height !== now.height;
  const isSlower = now.limitedBy !== "" && Math.abs(before.fps - now.fps) >= STEP_FPS;
  return isResized || before.limitedBy !== now.limitedBy || isSlower;
}

function textOf({ width, height, fps, limitedBy }: Sending): string {
  return `${width}x${height}@${fps} ${limitOf(limitedBy)}`.trimEnd();
}
