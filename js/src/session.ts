/**
 * One call as this page sees it: its phase, its link, its devices. One session for each model, whatever the number of
 * views. No DOM beyond timers and media objects; intents go up, the engine's state comes down.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type {
  Level,
  NoticeItem,
  PagePhase,
  PlotPoint,
  Preferences,
  SessionView,
} from "./contract";
import { Link, SILENT_MS } from "./link";
import { Capture } from "./media/capture";
import { type Bye, type CallState, type Event, type IceServerEntry, type Intent, PROTOCOL, type Quality } from "./messages";
import { RefusedError, Requests } from "./requests";
import { StatsPoller } from "./stats";

/** The widget's comm, or whatever stands for it in a test. */
export interface Channel {
  /** False where no kernel is behind it. */
  send(intent: Intent): boolean;
}

const GRACE_MS = 3000;
const HELLO_EVERY_MS = 2000;
const NO_KERNEL_MS = 6000;
const WATCH_MS = 250;
/** After this much silence the link is built anew; shorter holes heal by themselves. */
const REBUILD_MS = 3000;
const RETRY_MS = [0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000];

const MEDIUM: Quality = { width: 1280, height: 720, fps: 30, name: "medium", bitrateBps: 2_500_000 };

type Activity = "none" | "preview" | "starting" | "connected" | "reconnecting" | "failed";

export class Session implements SessionView {
  readonly state: Signal<CallState | null> = signal(null);
  readonly qualities: Signal<readonly Quality[]> = signal([]);
  readonly remoteStream: Signal<MediaStream | null> = signal(null);
  readonly notices: Signal<readonly NoticeItem[]> = signal([]);
  readonly plot: Signal<readonly PlotPoint[]> = signal([]);
  readonly statisticsOpen: Signal<boolean> = signal(false);
  readonly phase: ReadonlySignal<PagePhase>;
  readonly statusText: ReadonlySignal<string>;
  readonly #page = crypto.randomUUID();
  readonly #channel: (page: string, intent: Intent) => boolean;
  readonly #kernel: Signal<"waiting" | "alive" | "none"> = signal("waiting");
  readonly #activity: Signal<Activity> = signal("none");
  readonly #reason: Signal<string> = signal("");
  readonly #capture: Capture;
  readonly #requests: Requests;
  readonly #poller: StatsPoller;
  #link: Link | null = null;
  #generation = 0;
  #attempt = 0;
  #iceServers: readonly IceServerEntry[] = [];
  #linkEnd = new AbortController();
  #views = 0;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #helloTimer: ReturnType<typeof setInterval> | undefined;

  constructor(channel: (page: string, intent: Intent) => boolean) {
    this.#channel = channel;
    const quality = computed(() => this.state.value?.quality ?? MEDIUM);
    this.#capture = new Capture(
      quality,
      () => this.#mediaChanged(),
      (problem) => {
        this.#notify(problem.code, "warning", problem.text);
        this.#send({ type: "problem", code: problem.code, message: problem.text });
      },
    );
    this.#requests = new Requests(
      (intent) => this.#send(intent),
      (intent) => this.#sendByComm(intent),
    );
    this.#poller = new StatsPoller("python", {
      onSample: (sample) => this.#link?.send(sample),
      onPoint: () => {
        this.plot.value = this.#poller.points;
      },
      onProblem: (error) => this.#notify("stats", "warning", `The browser gave no statistics (${error}).`),
    });
    this.phase = computed(() => this.#phase());
    this.statusText = computed(() => this.#statusText());
  }

  get page(): string {
    return this.#page;
  }
  get devices() {
    return this.#capture.devices;
  }
  get preferences() {
    return this.#capture.preferences;
  }
  get localStream() {
    return this.#capture.localStream;
  }
  get cameraOn() {
    return this.#capture.cameraOn;
  }
  get microphoneOn() {
    return this.#capture.microphoneOn;
  }
  get microphoneLevel() {
    return this.#capture.level;
  }

  // --- views

  /** A view shows this session until `ended` aborts. The last one to go stops the camera, after a grace. */
  attach(ended: AbortSignal): void {
    this.#views += 1;
    clearTimeout(this.#grace);
    this.#hello();
    ended.addEventListener(
      "abort",
      () => {
        this.#views -= 1;
        if (this.#views > 0) return;
        this.#stopHello();
        // scrolling or moving a cell takes its view away for a moment
        this.#grace = setTimeout(() => this.#end("none", "The widget was closed in the page."), GRACE_MS);
      },
      { once: true },
    );
  }

  /** The page is going away: no time for anything but the essential. */
  unload(): void {
    this.#end("none", "The page was closed or reloaded.");
  }

  /** The kernel behind the comm was restarted or has gone: camera off at once. */
  kernelGone(): void {
    this.#stop();
    this.#kernel.value = "none";
    this.#activity.value = "none";
  }

  #hello(): void {
    this.#stopHello();
    const began_ms = performance.now();
    const say = () => {
      const sent = this.#sendByComm({ type: "hello", protocol: PROTOCOL });
      if (this.#kernel.value !== "alive" && (!sent || performance.now() - began_ms > NO_KERNEL_MS)) {
        this.#kernel.value = "none";
      }
    };
    this.#helloTimer = setInterval(say, HELLO_EVERY_MS);
    say();
  }

  #stopHello(): void {
    clearInterval(this.#helloTimer);
    this.#helloTimer = undefined;
  }

  // --- verbs

  setPreferences(change: Partial<Preferences>): void {
    void this.#capture.choose(change);
  }

  async preview(): Promise<void> {
    this.#activity.value = "preview";
    await this.#capture.open();
  }

  async start(): Promise<void> {
    if (this.#activity.value === "starting" || this.#activity.value === "connected") return;
    this.#attempt = 0;
    this.#activity.value = "starting";
    this.#reason.value = "";
    this.#dismissAll();
    this.#startWatch();
    const mustTakeOver = this.state.value?.owner != null && this.state.value.owner !== this.#page;
    // the connection is built while the person is asked and the devices open
    const [linked] = await Promise.allSettled([this.#connect(mustTakeOver), this.#capture.open()]);
    if (linked.status === "rejected") this.#connectFailed(linked.reason);
    this.#mediaReady = true;
    this.#mediaChanged();
  }

  leave(): void {
    this.#end("none", "The person left.");
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#capture.setCamera(on);
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.#capture.setMicrophone(on, true);
  }

  chooseCamera(id: string): Promise<void> {
    return this.#capture.choose({ cameraId: id });
  }

  chooseMicrophone(id: string): Promise<void> {
    return this.#capture.choose({ microphoneId: id });
  }

  setQuality(quality: Quality): void {
    this.#ask({ type: "set-quality", id: crypto.randomUUID(), quality });
  }

  toggleRecording(): void {
    const id = crypto.randomUUID();
    const recording = this.state.value?.recording?.state === "recording";
    this.#ask(recording ? { type: "stop-recording", id } : { type: "start-recording", id, path: "" });
  }

  dismiss(key: string): void {
    this.notices.value = this.notices.value.filter((notice) => notice.key !== key);
  }

  // --- what comes down

  /** An event of the engine, by the comm or the data channel. */
  take(event: Event): void {
    if (event.type === "welcome" || event.type === "state") this.#alive();
    switch (event.type) {
      case "welcome":
        if (event.protocol !== PROTOCOL) {
          this.#notify(
            "protocol",
            "error",
            "This page's nbrtc and the kernel's have different versions: reload the page.",
          );
          return;
        }
        this.qualities.value = event.qualities;
        this.#iceServers = [...event.iceServers];
        this.#mirror(event.state);
        break;
      case "state":
        this.#mirror(event);
        break;
      case "answer":
        if (event.generation === this.#link?.generation) {
          this.#link.answer(event).catch((error: unknown) => this.#lost(`The answer was refused: ${error}`));
        }
        break;
      case "reply":
        this.#requests.settle(event);
        break;
      case "switch-media":
        if (event.cameraOn === false) void this.#capture.setCamera(false);
        if (event.microphoneOn === false) void this.#capture.setMicrophone(false, false);
        else if (event.microphoneOn === true && this.#capture.microphone && !this.#capture.mutedByPerson) {
          void this.#capture.setMicrophone(true, false);
        }
        break;
      case "apply-quality":
        this.#applyQuality(event.quality);
        break;
      case "bye":
        this.#bye(event);
        break;
      case "notice":
        this.#notify(event.key, event.level, event.text);
        break;
      case "ping":
        break;
    }
  }

  #alive(): void {
    this.#kernel.value = "alive";
    this.#stopHello();
  }

  #mirror(state: CallState): void {
    const known = this.state.value;
    const newer =
      known === null ||
      state.epoch > known.epoch ||
      (state.epoch === known.epoch && state.revision > known.revision);
    if (!newer) return;
    batch(() => {
      this.state.value = state;
      if (state.owner === this.#page && state.phase === "connected" && this.#isJoined()) {
        this.#activity.value = "connected";
        this.#attempt = 0;
      }
    });
    if (state.phase === "closed") this.#stop();
  }

  #bye(bye: Bye): void {
    if (bye.recover) {
      if (this.#isJoined()) this.#lost(bye.reason);
      return;
    }
    const inCall = this.#isJoined();
    this.#stop();
    this.#activity.value = "none";
    if (bye.code === "kernel-gone") this.#kernel.value = "none";
    else if (bye.code === "taken-over" || (bye.code === "left" && inCall)) {
      this.#notify("bye", "info", bye.reason);
    }
  }

  #applyQuality(quality: Quality): void {
    const state = this.state.value;
    if (state !== null) this.state.value = { ...state, quality };
    void this.#capture.applyQuality();
    this.#link?.setQuality(quality).catch((error: unknown) => {
      this.#notify("quality", "warning", `The browser refused the quality (${error}).`);
    });
  }

  // --- the link

  #mediaReady = false;

  async #connect(takeOver: boolean): Promise<void> {
    this.#dropLink();
    this.#linkEnd = new AbortController();
    this.#generation += 1;
    const link = new Link({
      generation: this.#generation,
      iceServers: this.#iceServers,
      takeOver,
      offer: (offer) => this.#requests.make({ ...offer, id: crypto.randomUUID() }),
      candidate: (candidate) => this.#sendByComm(candidate),
      onEvent: (event) => this.take(event),
      onOpen: () => this.#mediaChanged(),
      onFailed: (reason) => this.#lost(reason),
    });
    this.#link = link;
    this.remoteStream.value = link.remoteStream;
    void this.#poller.follow(link.connection, link.generation, this.#linkEnd.signal);
    await link.setTracks(this.#capture.camera, this.#capture.microphone, this.#quality());
    await link.start();
  }

  #connectFailed(error: unknown): void {
    if (!this.#isJoined()) return;
    const refused = error instanceof RefusedError && error.code !== "no-answer" && error.code !== "abandoned";
    if (refused || this.#attempt >= RETRY_MS.length) {
      const text = error instanceof Error ? error.message : String(error);
      this.#end("failed", text);
    } else {
      this.#lost("Python has not answered yet.");
    }
  }

  /** The link is broken: build another, with growing pauses, until it works or the attempts are used up. */
  #lost(reason: string): void {
    if (!this.#isJoined() || this.#retry !== undefined) return;
    batch(() => {
      this.#activity.value = "reconnecting";
      this.#reason.value = reason;
    });
    const wait_ms = RETRY_MS[this.#attempt];
    if (wait_ms === undefined) {
      this.#end("failed", `${reason} ${RETRY_MS.length} attempts to reconnect did not help.`);
      return;
    }
    this.#attempt += 1;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#connect(false).catch((error: unknown) => this.#connectFailed(error));
      },
      wait_ms * (0.75 + Math.random() / 2),
    );
  }

  #startWatch(): void {
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      const link = this.#link;
      if (link === null || !link.isOpen) return;
      if (link.silent_ms > REBUILD_MS) this.#lost("Python has not been heard for 3 s.");
      else if (link.silent_ms > SILENT_MS && this.#activity.value === "connected") {
        batch(() => {
          this.#activity.value = "reconnecting";
          this.#reason.value = "No sign of Python's engine; waiting for it.";
        });
      } else if (
        link.silent_ms < SILENT_MS &&
        this.#activity.value === "reconnecting" &&
        this.#retry === undefined &&
        this.state.value?.phase === "connected"
      ) {
        this.#activity.value = "connected";
      }
    }, WATCH_MS);
  }

  #mediaChanged(): void {
    const { camera, microphone } = this.#capture;
    void this.#link?.setTracks(camera, microphone, this.#quality()).catch((error: unknown) => {
      this.#notify("tracks", "error", `The browser could not send the devices (${error}).`);
    });
    // reported once the devices have been asked for: the engine says "connected" only then
    if (this.#mediaReady && this.#link?.isOpen) {
      this.#send({
        type: "media",
        microphoneOn: this.#capture.microphoneOn.value,
        cameraOn: this.#capture.cameraOn.value,
        camera: this.#capture.size,
      });
    }
  }

  #end(activity: "none" | "failed", reason: string): void {
    const joined = this.#isJoined();
    const leave: Intent = { type: "leave", reason };
    if (joined) {
      this.#link?.send(leave);
      this.#sendByComm(leave); // the data channel may not get it out before it closes; twice is harmless
    }
    this.#stop();
    batch(() => {
      this.#activity.value = activity;
      this.#reason.value = reason;
    });
  }

  /** Devices off and everything of the call closed; idempotent. */
  #stop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#grace);
    clearInterval(this.#watch);
    this.#retry = undefined;
    this.#mediaReady = false;
    this.#capture.close();
    this.#dropLink();
    this.#requests.abandon();
    this.plot.value = [];
  }

  #dropLink(): void {
    this.#linkEnd.abort();
    this.#link?.close();
    this.#link = null;
    this.remoteStream.value = null;
  }

  // --- words

  #phase(): PagePhase {
    const state = this.state.value;
    const activity = this.#activity.value;
    if (state?.phase === "closed") return "closed";
    if (activity !== "none" && activity !== "preview") return activity;
    if (this.#kernel.value === "none") return "no-kernel";
    if (this.#kernel.value === "waiting" || state === null) return "waiting-for-kernel";
    if (state.owner !== null && state.owner !== this.#page) return "elsewhere";
    return activity === "preview" ? "preview" : "ready";
  }

  #statusText(): string {
    const state = this.state.value;
    switch (this.phase.value) {
      case "waiting-for-kernel":
        return "Waiting for the kernel…";
      case "no-kernel":
        return "No kernel answers. Run this cell again to use the call.";
      case "ready":
        return state?.reason ?? "";
      case "preview":
        return "Only you see this.";
      case "starting":
        return this.#mediaReady ? "Connecting to Python…" : "Asking for camera and microphone…";
      case "connected":
        return "Connected";
      case "reconnecting":
        return `Reconnecting… ${this.#reason.value}`;
      case "failed":
        return this.#reason.value;
      case "elsewhere":
        return "This call is open in another window.";
      case "closed":
        return state?.reason ?? "The call was closed.";
    }
  }

  #isJoined(): boolean {
    return ["starting", "connected", "reconnecting"].includes(this.#activity.value);
  }

  #quality(): Quality {
    return this.state.value?.quality ?? MEDIUM;
  }

  #ask(request: Parameters<Requests["make"]>[0]): void {
    this.#requests.make(request).catch((error: unknown) => {
      this.#notify(request.type, "error", error instanceof Error ? error.message : String(error));
    });
  }

  #send(intent: Intent): void {
    if (!this.#link?.send(intent)) this.#sendByComm(intent);
  }

  #sendByComm(intent: Intent): boolean {
    return this.#channel(this.#page, intent);
  }

  #notify(key: string, level: Level, text: string): void {
    this.notices.value = [...this.notices.value.filter((notice) => notice.key !== key), { key, level, text }];
  }

  #dismissAll(): void {
    this.notices.value = [];
  }
}

