/**
 * One call as this page sees it: what the views may know and do. One session for each model, whatever the number of
 * views. No DOM beyond timers and media objects; intents go up, the engine's state comes down.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { canCall, NO_CALL, shortcomingsOf } from "./abilities";
import { type Assets, NO_ASSETS } from "./assets";
import type { Drawer, PagePhase, PlotPoint, Preferences, SessionView, StatsFeed } from "./contract";
import { EngineEvents } from "./engine-events";
import { pictureCapOf } from "./ice/configuration";
import { newId } from "./ids";
import type { Link } from "./link";
import { availableCodecs } from "./media/codecs";
import { canShareScreen } from "./media/screen";
import type { CallState, Codec, Event, Intent, Quality } from "./messages";
import type { Scene } from "./outgoing";
import { Parts } from "./parts";
import { type Activity, isInCall, phaseOf } from "./phase";
import { RefusedError } from "./requests";
import { LEFT, SOUND_WITHHELD, statusOf } from "./words";

/** The widget's comm, or whatever stands for it in a test or on the guest page; false where nobody is behind it. */
export type Channel = (page: string, intent: Intent) => boolean;

export interface SessionOptions {
  /** Where the effects' parts come from. */
  readonly assets?: Assets;
  /** False on the guest page: no link is made, and the click is said with `Enter`. */
  readonly hasPython?: boolean;
}

export { GRACE_MS } from "./views";

const MEDIUM: Quality = { width: 1280, height: 720, fps: 30, name: "medium", bitrateBps: 2_500_000 };

export class Session implements SessionView {
  readonly page = newId();
  readonly hasPython: boolean;
  readonly canShareScreen = canShareScreen();
  readonly codecs = availableCodecs();
  readonly shortcomings: readonly string[];
  readonly state: Signal<CallState | null> = signal(null);
  readonly qualities: Signal<readonly Quality[]> = signal([]);
  readonly remoteStream: Signal<MediaStream | null> = signal(null);
  readonly drawer: Signal<Drawer | null> = signal(null);
  readonly #channel: Channel;
  readonly #assets: Assets;
  readonly #activity: Signal<Activity> = signal("none");
  /** The devices were asked for, whatever came of it: only then the engine hears what is sent. */
  readonly #devicesAsked: Signal<boolean> = signal(false);
  /** Why the call failed, or why the room took nobody in. */
  readonly #failure: Signal<string> = signal("");
  readonly #parts = new Parts({
    state: this.state,
    hasPython: () => this.hasPython,
    assets: () => this.#assets,
    sendByComm: (intent) => this.#channel(this.page, intent),
    isJoined: () => this.#isJoined(),
    quality: () => this.#quality(),
    scene: () => this.#scene(),
    onOpen: () => this.#opened(),
    onLink: (link, ended) => this.#follow(link, ended),
    onEvent: (event) => this.take(event),
    onMeasured: (peer, point) => this.#measured(peer, point),
    onMedia: () => this.#mediaChanged(),
    onDeserted: () => this.close("The widget was closed in the page."),
    onKernelGone: () => this.kernelGone(),
    onGivenUp: (reason) => this.#fail(reason),
  });
  readonly #notices = this.#parts.notices;
  readonly #presence = this.#parts.presence;
  readonly #post = this.#parts.post;
  readonly #analysis = this.#parts.analysis;
  readonly #connection = this.#parts.connection;
  readonly #room = this.#parts.room;
  readonly #media = this.#parts.media;
  readonly #recordings = this.#parts.recordings;
  readonly check = this.#parts.check;
  readonly #events = new EngineEvents({
    page: this.page,
    parts: this.#parts,
    state: this.state,
    qualities: this.qualities,
    activity: this.#activity,
    hasPython: () => this.hasPython,
    stop: () => this.#stop(),
    finish: () => this.#finish(),
    fail: (reason) => this.#fail(reason),
    turnAway: (reason) => this.#end("none", reason, reason),
    kernelGone: () => this.kernelGone(),
  });
  #rtt_s = 0;
  #starts = 0;

  readonly stats: StatsFeed = this.#analysis.history;
  readonly notices = this.#notices.items;
  readonly devices = this.#media.capture.devices;
  readonly preferences = this.#media.capture.preferences;
  readonly localStream = this.#media.capture.localStream;
  readonly cameraOn = this.#media.capture.cameraOn;
  readonly microphoneOn = this.#media.capture.microphoneOn;
  readonly microphoneLevel = this.#media.capture.level;
  readonly screenOn = this.#media.screen.isOn;
  readonly screenStream = this.#media.screen.stream;
  readonly sending = this.#media.outgoing.sending;
  readonly isPictureWithheld = this.#media.outgoing.isWithheld;
  readonly people = this.#room.mesh.people;
  readonly chat = this.#room.chat.messages;
  readonly unread = this.#room.chat.unread;
  readonly speaker = this.#room.speaker;
  readonly pinned = this.#room.pinned;
  readonly effects = this.#media.effects;
  readonly downloads = this.#recordings.downloads;
  readonly startSharing = () => this.#media.screen.start();
  readonly stopSharing = () => this.#media.screen.stop();
  readonly sendWithoutEffect = () => this.#media.outgoing.sendWithoutEffect();
  readonly startRecording: SessionView["startRecording"] = (choice) => this.#recordings.start(choice);
  readonly stopRecording: SessionView["stopRecording"] = () => this.#recordings.stop();
  readonly showsRecordings: SessionView["showsRecordings"] = (ids) => this.#recordings.shows(ids);
  readonly download: SessionView["download"] = (...which) => this.#recordings.save(...which);
  readonly cancelDownload: SessionView["cancelDownload"] = (...which) => this.#recordings.cancel(...which);
  readonly phase: ReadonlySignal<PagePhase> = computed(() =>
    phaseOf({
      page: this.page,
      state: this.state.value,
      activity: this.#activity.value,
      kernel: this.#presence.kernel.value,
      isDisturbed: this.#connection.disturbance.value !== null,
    }),
  );
  readonly statusText: ReadonlySignal<string> = computed(() =>
    statusOf({
      phase: this.phase.value,
      hasPython: this.hasPython,
      kernelGone: this.#presence.kernel.value === "gone",
      openingDevices: !this.#devicesAsked.value,
      stateReason: this.state.value?.reason ?? "",
      pageReason: this.#connection.disturbance.value ?? this.#failure.value,
      room: this.state.value?.room ?? null,
      others: this.people.value.length,
    }),
  );

  constructor(channel: Channel, { hasPython = true, assets = NO_ASSETS }: SessionOptions = {}) {
    this.#assets = assets;
    this.#channel = channel;
    this.hasPython = hasPython;
    this.shortcomings = shortcomingsOf(hasPython);
    this.#analysis.watch(this.sending, this.devices);
    this.drawer.subscribe((drawer) => this.#room.chat.read(drawer === "chat"));
    this.#connection.disturbance.subscribe(() => this.#events.mirrorRoom());
    this.#media.outgoing.isSoundWithheld.subscribe((isWithheld) => {
      if (isWithheld) this.#notices.tell("sound-withheld", "warning", SOUND_WITHHELD);
      else this.#notices.dismiss("sound-withheld");
    });
  }

  // --- views, page and kernel come and go

  /** A view shows this session until `ended` aborts. The last one to go stops the camera, after a grace. */
  attach(ended: AbortSignal): void {
    this.#parts.views.attach(ended);
    this.#media.capture.watchDevices();
    if (this.#presence.kernel.value !== "gone") this.#presence.ask();
  }

  /**
   * Leave and let go of everything; a view that comes later begins anew. Quick enough for a page that goes away, which
   * may be one that is loaded again (`mayReturn`).
   */
  close(reason: string, mayReturn = false): void {
    this.#parts.views.settle();
    this.check.cancel();
    this.#presence.stop();
    this.#end("none", reason, "", mayReturn);
    this.#recordings.close();
    this.#media.capture.ignoreDevices();
  }

  /** The kernel behind the comm was restarted or has gone: camera off at once. */
  kernelGone(): void {
    batch(() => {
      this.#presence.gone();
      this.#finish();
      this.#recordings.close("the kernel was restarted or has ended.");
    });
  }

  // --- verbs

  setPreferences(change: Partial<Preferences>): void {
    void this.#media.capture.choose(change);
  }

  async preview(): Promise<void> {
    this.#activity.value = "preview";
    this.#failure.value = "";
    this.#presence.watch(true);
    await this.#media.capture.open();
  }

  async start(): Promise<void> {
    if (this.#isJoined()) return;
    if (!canCall()) {
      this.#fail(NO_CALL);
      return;
    }
    const owner = this.state.value?.owner ?? null;
    const start = ++this.#starts;
    batch(() => {
      this.#activity.value = "starting";
      this.#failure.value = "";
      this.#devicesAsked.value = false;
      this.#notices.clear();
    });
    this.#presence.watch(false);
    this.check.cancel();
    this.#analysis.start();
    this.#parts.ice.start();
    // the connections are built while the person is asked and the devices open
    const takeOver = owner !== null && owner !== this.page;
    if (this.hasPython) this.#connection.start(takeOver);
    else void this.#enter(takeOver);
    this.#media.outgoing.start();
    await this.#media.capture.open();
    if (start !== this.#starts) return; // left meanwhile
    this.#devicesAsked.value = true;
    this.#mediaChanged();
  }

  leave(): void {
    this.#end("none", LEFT);
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#media.capture.setCamera(on);
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.#media.capture.setMicrophone(on, "person");
  }

  chooseCamera(id: string): Promise<void> {
    return this.#media.capture.choose({ cameraId: id });
  }

  chooseMicrophone(id: string): Promise<void> {
    return this.#media.capture.choose({ microphoneId: id });
  }

  setQuality(quality: Quality): void {
    void this.#post.ask({ type: "set-quality", id: newId(), quality });
  }

  setCodec(codec: Codec): void {
    void this.#post.ask({ type: "set-codec", id: newId(), codec });
  }

  async enterRoom(room: string | null, name: string, passcode: string | null): Promise<void> {
    this.#failure.value = "";
    await this.#post.requests.make({ type: "enter-room", id: newId(), room, name, passcode });
  }

  sendChat(text: string): Promise<void> {
    return this.#post.requests.make({ type: "send-chat", id: newId(), text, to: null });
  }

  reconnect(id: string): void {
    this.#room.mesh.reconnect(id);
  }

  dismiss(key: string): void {
    this.#notices.dismiss(key);
  }

  /** An event of the engine, by the comm or the data channel. */
  take(event: Event): void {
    this.#events.take(event);
  }

  // --- devices, link and room

  #follow(link: Link, ended: AbortSignal): void {
    this.remoteStream.value = link.remoteStream;
    ended.addEventListener("abort", () => {
      this.remoteStream.value = null;
    });
    this.#parts.trace("python", link.connection, link.generation, ended);
    void this.#media.outgoing.feed(link);
  }

  #opened(): void {
    this.#analysis.opened();
    this.#recordings.linked();
    this.#media.outgoing.refresh();
    this.#mediaChanged();
  }

  /** The click where there is no link whose offer could say it. */
  async #enter(takeOver: boolean): Promise<void> {
    try {
      await this.#post.requests.make({ type: "enter", id: newId(), takeOver });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!(error instanceof RefusedError && error.code === "abandoned")) this.#end("none", text, text);
    }
  }

  #scene(): Scene {
    const state = this.state.value;
    const link = this.#connection.link;
    return {
      isInRoom: this.#isJoined() && state !== null && state.room !== null,
      hasEffect: state !== null && state.videoEffect !== null,
      hasSource: state !== null && state.videoSource !== null,
      hasAudioEffect: state !== null && state.audioEffect !== null,
      isPlaying: state?.playing ?? false,
      isWanted: state?.wanted.includes("you") ?? false,
      link,
      isPythonHere: link?.isOpen === true && this.#connection.disturbance.value === null,
      rtt_s: this.#rtt_s,
      quality: this.#quality(),
      cap_bps: pictureCapOf(this.#parts.ice.configuration),
    };
  }

  #mediaChanged(): void {
    if (this.cameraOn.value) this.dismiss("device:camera");
    if (this.microphoneOn.value) this.dismiss("device:microphone");
    this.#room.hear(this.#media.capture.microphone);
    this.#analysis.devices.look(this.#media.tracks);
    const isHeard = this.hasPython ? this.#connection.link?.isOpen : this.#isJoined();
    if (this.#devicesAsked.value && isHeard) this.#post.send(this.#media.status);
  }

  #measured(peer: string, point: PlotPoint): void {
    if (peer !== "python") return;
    this.#rtt_s = point.rtt_s ?? this.#rtt_s;
    if (this.#scene().isInRoom) this.#media.outgoing.refresh(); // the sound follows the effect's delay
  }

  #fail(reason: string): void {
    this.#end("failed", reason, reason);
  }

  /** `reason` is for the engine, `words` for the person, who need not be told what they did themselves. */
  #end(activity: "none" | "failed", reason: string, words = "", mayReturn = false): void {
    if (this.#isJoined()) {
      const leave: Intent = { type: "leave", reason, mayReturn };
      this.#connection.send(leave);
      this.#post.sendByComm(leave); // the data channel may not get it out before it closes; twice is harmless
    }
    batch(() => {
      this.#stop();
      this.#activity.value = activity;
      this.#failure.value = words;
    });
  }

  /** There will be no other call here: whatever was said about this one is over. */
  #finish(): void {
    this.#stop();
    this.#activity.value = "none";
    this.#notices.clear();
  }

  /** Devices off and everything of the call closed; idempotent. */
  #stop(): void {
    this.#starts += 1;
    this.#presence.watch(false);
    this.#events.reset();
    this.#connection.stop();
    this.#media.stop();
    this.#room.stop();
    this.#recordings.left();
    this.#post.requests.abandon();
    this.#devicesAsked.value = false;
    this.#analysis.stop();
    this.#parts.ice.stop();
  }

  #isJoined(): boolean {
    return isInCall(this.#activity.value);
  }

  #quality(): Quality {
    return this.state.value?.quality ?? MEDIUM;
  }
}
