/**
 * One call as this page sees it: what the views may know and do. One session for each model, whatever the number of
 * views. No DOM beyond timers and media objects; intents go up, the engine's state comes down.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Connection } from "./connection";
import type { Level, NoticeItem, PagePhase, PlotPoint, Preferences, SessionView } from "./contract";
import { newId } from "./ids";
import type { Link } from "./link";
import { Capture } from "./media/capture";
import type { DeviceProblem } from "./media/errors";
import {
  type Bye,
  type CallState,
  type Event,
  type IceServerEntry,
  type Intent,
  PROTOCOL,
  type Quality,
  type SwitchMedia,
} from "./messages";
import { Presence } from "./presence";
import { RefusedError, Requests } from "./requests";
import { StatsPoller } from "./stats";
import { LEFT, statusOf } from "./words";

/** The widget's comm, or whatever stands for it in a test; false where no kernel is behind it. */
export type Channel = (page: string, intent: Intent) => boolean;

/** Scrolling or moving a cell takes its view away for a moment; only a longer absence ends the call. */
export const GRACE_MS = 3000;

const MEDIUM: Quality = { width: 1280, height: 720, fps: 30, name: "medium", bitrateBps: 2_500_000 };

/** What the person has set going here; how well it goes is the connection's to say. */
type Activity = "none" | "preview" | "starting" | "joined" | "failed";

export class Session implements SessionView {
  readonly page = newId();
  readonly state: Signal<CallState | null> = signal(null);
  readonly qualities: Signal<readonly Quality[]> = signal([]);
  readonly remoteStream: Signal<MediaStream | null> = signal(null);
  readonly notices: Signal<readonly NoticeItem[]> = signal([]);
  readonly plot: Signal<readonly PlotPoint[]> = signal([]);
  readonly statisticsOpen: Signal<boolean> = signal(false);
  readonly phase: ReadonlySignal<PagePhase>;
  readonly statusText: ReadonlySignal<string>;
  readonly #channel: Channel;
  readonly #activity: Signal<Activity> = signal("none");
  /** The devices were asked for, whatever came of it: only then the engine hears what is sent. */
  readonly #devicesAsked: Signal<boolean> = signal(false);
  readonly #failure: Signal<string> = signal("");
  readonly #presence: Presence;
  readonly #capture: Capture;
  readonly #requests: Requests;
  readonly #connection: Connection;
  readonly #poller: StatsPoller;
  #iceServers: readonly IceServerEntry[] = [];
  #starts = 0;
  #views = 0;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#presence = new Presence(() => this.#sendByComm({ type: "hello", protocol: PROTOCOL }));
    this.#capture = new Capture(
      computed(() => this.#quality()),
      () => this.#mediaChanged(),
      (problem) => this.#deviceProblem(problem),
    );
    this.#requests = new Requests(
      (intent) => this.#send(intent),
      (intent) => this.#sendByComm(intent),
    );
    this.#connection = new Connection({
      iceServers: () => this.#iceServers,
      offer: (offer, signal) => this.#requests.make(offer, signal),
      candidate: (candidate) => this.#sendByComm(candidate),
      onEvent: (event) => this.take(event),
      onOpen: () => this.#mediaChanged(),
      onLink: (link, ended) => this.#follow(link, ended),
      onGivenUp: (reason) => this.#end("failed", reason),
    });
    this.#poller = new StatsPoller("python", {
      onSample: (sample) => this.#connection.send(sample),
      onPoint: () => {
        this.plot.value = this.#poller.points;
      },
      onProblem: (error) => this.#notify("stats", "warning", `The browser gave no statistics (${error}).`),
    });
    this.phase = computed(() => this.#phase());
    this.statusText = computed(() =>
      statusOf({
        phase: this.phase.value,
        kernelGone: this.#presence.kernel.value === "gone",
        openingDevices: !this.#devicesAsked.value,
        stateReason: this.state.value?.reason ?? "",
        pageReason: this.#connection.disturbance.value ?? this.#failure.value,
      }),
    );
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

  // --- views, page and kernel come and go

  /** A view shows this session until `ended` aborts. The last one to go stops the camera, after a grace. */
  attach(ended: AbortSignal): void {
    this.#views += 1;
    clearTimeout(this.#grace);
    this.#capture.watchDevices();
    if (this.#presence.kernel.value !== "gone") this.#presence.ask();
    ended.addEventListener("abort", () => this.#detach(), { once: true });
  }

  #detach(): void {
    this.#views -= 1;
    if (this.#views === 0) {
      this.#presence.stop();
      this.#grace = setTimeout(() => this.close("The widget was closed in the page."), GRACE_MS);
    }
  }

  /** Leave and let go of everything; a view that comes later begins anew. Quick enough for a page that goes away. */
  close(reason: string): void {
    clearTimeout(this.#grace);
    this.#presence.stop();
    this.#end("none", reason);
    this.#capture.ignoreDevices();
  }

  /** The kernel behind the comm was restarted or has gone: camera off at once. */
  kernelGone(): void {
    batch(() => {
      this.#presence.gone();
      this.#finish();
    });
  }

  // --- verbs

  setPreferences(change: Partial<Preferences>): void {
    void this.#capture.choose(change);
  }

  async preview(): Promise<void> {
    this.#activity.value = "preview";
    this.#presence.watch(true);
    await this.#capture.open();
  }

  async start(): Promise<void> {
    if (this.#isJoined()) return;
    const owner = this.state.value?.owner ?? null;
    const start = ++this.#starts;
    batch(() => {
      this.#activity.value = "starting";
      this.#failure.value = "";
      this.#devicesAsked.value = false;
      this.notices.value = [];
    });
    this.#presence.watch(false);
    // the connection is built while the person is asked and the devices open
    this.#connection.start(owner !== null && owner !== this.page);
    await this.#capture.open();
    if (start !== this.#starts) return; // left meanwhile
    this.#devicesAsked.value = true;
    this.#mediaChanged();
  }

  leave(): void {
    this.#end("none", LEFT);
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#capture.setCamera(on);
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.#capture.setMicrophone(on, "person");
  }

  chooseCamera(id: string): Promise<void> {
    return this.#capture.choose({ cameraId: id });
  }

  chooseMicrophone(id: string): Promise<void> {
    return this.#capture.choose({ microphoneId: id });
  }

  setQuality(quality: Quality): void {
    this.#ask({ type: "set-quality", id: newId(), quality });
  }

  toggleRecording(): void {
    const id = newId();
    const recording = this.state.value?.recording?.state === "recording";
    this.#ask(recording ? { type: "stop-recording", id } : { type: "start-recording", id, path: "" });
  }

  dismiss(key: string): void {
    this.notices.value = this.notices.value.filter((notice) => notice.key !== key);
  }

  // --- what comes down

  /** An event of the engine, by the comm or the data channel. */
  take(event: Event): void {
    switch (event.type) {
      case "welcome":
        this.#presence.heard();
        if (event.protocol !== PROTOCOL) {
          const text = "This page's nbrtc and the kernel's have different versions: reload the page.";
          this.#notify("protocol", "error", text);
          return;
        }
        this.qualities.value = event.qualities;
        this.#iceServers = event.iceServers;
        this.#mirror(event.state);
        break;
      case "state":
        this.#presence.heard();
        this.#mirror(event);
        break;
      case "answer":
        this.#connection.answer(event);
        break;
      case "reply":
        this.#requests.settle(event);
        break;
      case "switch-media":
        this.#switch(event);
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

  #mirror(state: CallState): void {
    const known = this.state.value;
    const newer =
      known === null ||
      state.epoch > known.epoch ||
      (state.epoch === known.epoch && state.revision > known.revision);
    if (!newer) return;
    batch(() => {
      this.state.value = state;
      if (state.phase === "closed") this.#finish();
      else if (state.owner === this.page) this.#mirrorOwn(state);
      else if (state.owner !== null && this.#activity.value === "joined") this.#takenOver();
    });
  }

  #mirrorOwn(state: CallState): void {
    if (state.phase !== "connected" || !this.#isJoined()) return;
    this.#activity.value = "joined";
    this.#connection.confirm();
  }

  #takenOver(): void {
    this.#stop();
    this.#activity.value = "none";
    this.#notify("bye", "info", "The call moved to another window. Your camera is off here.");
  }

  #bye(bye: Bye): void {
    const wasJoined = this.#isJoined();
    if (bye.recover) this.#connection.lose(bye.reason);
    else if (bye.code === "kernel-gone") this.kernelGone();
    else if (bye.code === "taken-over") this.#takenOver();
    // another link would not help
    else if (bye.code === "lost") this.#end("failed", bye.reason);
    else {
      this.#stop();
      this.#activity.value = "none";
      if (bye.code === "left" && wasJoined) this.#notify("bye", "info", bye.reason);
    }
  }

  /** Python may switch off at once, and switch on again only what it has switched off itself. */
  #switch(wish: SwitchMedia): void {
    if (wish.cameraOn === false) void this.#capture.setCamera(false);
    if (wish.microphoneOn === false) void this.#capture.setMicrophone(false, "python");
    if (wish.microphoneOn === true && this.#capture.mayPythonUnmute) {
      void this.#capture.setMicrophone(true, "python");
    }
  }

  #applyQuality(quality: Quality): void {
    const state = this.state.value;
    if (state !== null) this.state.value = { ...state, quality };
    void this.#capture.applyQuality();
  }

  // --- devices and link

  async #follow(link: Link, ended: AbortSignal): Promise<void> {
    this.remoteStream.value = link.remoteStream;
    ended.addEventListener("abort", () => {
      this.remoteStream.value = null;
    });
    void this.#poller.follow(link.connection, link.generation, ended);
    await link.setTracks(this.#capture.camera, this.#capture.microphone, this.#quality());
  }

  #mediaChanged(): void {
    const { camera, microphone, cameraOn, microphoneOn } = this.#capture;
    if (cameraOn.value) this.dismiss("device:camera");
    if (microphoneOn.value) this.dismiss("device:microphone");
    const link = this.#connection.link;
    link?.setTracks(camera, microphone, this.#quality()).catch((error: unknown) => {
      this.#notify("tracks", "error", `The browser could not send the devices (${error}).`);
    });
    if (!this.#devicesAsked.value || !link?.isOpen) return;
    this.#send({
      type: "media",
      microphoneOn: microphoneOn.value,
      cameraOn: cameraOn.value,
      camera: this.#capture.size,
    });
  }

  #deviceProblem(problem: DeviceProblem): void {
    this.#notify(`device:${problem.kind}`, "warning", problem.text);
    this.#send({ type: "problem", code: problem.code, message: problem.text });
  }

  #end(activity: "none" | "failed", reason: string): void {
    if (this.#isJoined()) {
      const leave: Intent = { type: "leave", reason };
      this.#connection.send(leave);
      this.#sendByComm(leave); // the data channel may not get it out before it closes; twice is harmless
    }
    batch(() => {
      this.#stop();
      this.#activity.value = activity;
      this.#failure.value = reason;
    });
  }

  /** There will be no other call here: whatever was said about this one is over. */
  #finish(): void {
    this.#stop();
    this.#activity.value = "none";
    this.notices.value = [];
  }

  /** Devices off and everything of the call closed; idempotent. */
  #stop(): void {
    this.#starts += 1;
    this.#presence.watch(false);
    this.#connection.stop();
    this.#capture.close();
    this.#requests.abandon();
    this.#devicesAsked.value = false;
    this.plot.value = [];
  }

  #phase(): PagePhase {
    const state = this.state.value;
    const activity = this.#activity.value;
    const kernel = this.#presence.kernel.value;
    if (state?.phase === "closed") return "closed";
    if (activity === "failed") return "failed";
    if (this.#isJoined() && this.#connection.disturbance.value !== null) return "reconnecting";
    if (activity === "starting") return "starting";
    if (activity === "joined") return "connected";
    if (kernel === "silent" || kernel === "gone") return "no-kernel";
    if (kernel === "waiting" || state === null) return "waiting-for-kernel";
    if (state.owner !== null && state.owner !== this.page) return "elsewhere";
    return activity === "preview" ? "preview" : "ready";
  }

  #isJoined(): boolean {
    return this.#activity.value === "starting" || this.#activity.value === "joined";
  }

  #quality(): Quality {
    return this.state.value?.quality ?? MEDIUM;
  }

  // --- sending and telling

  #ask(request: Parameters<Requests["make"]>[0]): void {
    this.#requests.make(request).catch((error: unknown) => {
      if (error instanceof RefusedError && error.code === "abandoned") return;
      this.#notify(request.type, "error", error instanceof Error ? error.message : String(error));
    });
  }

  #send(intent: Intent): void {
    if (!this.#connection.send(intent)) this.#sendByComm(intent);
  }

  #sendByComm(intent: Intent): boolean {
    const sent = this.#channel(this.page, intent);
    if (!sent && this.#presence.kernel.value !== "gone") this.kernelGone();
    return sent;
  }

  #notify(key: string, level: Level, text: string): void {
    this.notices.value = [...this.notices.value.filter((notice) => notice.key !== key), { key, level, text }];
  }
}
