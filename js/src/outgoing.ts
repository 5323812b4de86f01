/**
 * What goes where: which picture and which sound the others get, and what Python gets over the link. Python's picture
 * never turns into the camera's own by accident.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Sending } from "./contract";
import type { Link } from "./link";
import { Adapter, type Outlet } from "./media/adapt";
import type { Capture } from "./media/capture";
import type { Screen } from "./media/screen";
import { Sound } from "./media/sound";
import type { Mesh } from "./mesh";
import type { Quality } from "./messages";

/** What the way through Python costs besides the effect: encoding, the jitter buffer and decoding, there and back. */
const WAY_S = 0.03;

/** As much of a call as decides what is sent. */
export interface Scene {
  readonly isInRoom: boolean;
  /** A Python function changes the picture. */
  readonly hasEffect: boolean;
  /** Python sends a picture of its own in the camera's place. */
  readonly hasSource: boolean;
  /** A Python function changes the sound. */
  readonly hasAudioEffect: boolean;
  /** Python plays a sound into the call. */
  readonly isPlaying: boolean;
  /** Python wants this page's own frames. */
  readonly isWanted: boolean;
  readonly link: Link | null;
  /** The link is open, and Python answers on it. */
  readonly isPythonHere: boolean;
  /** Round trip of the link, in seconds. */
  readonly rtt_s: number;
  readonly quality: Quality;
  /** What one peer's picture may use at most; null for no limit. */
  readonly cap_bps: number | null;
}

export interface OutgoingOptions {
  readonly capture: Capture;
  readonly screen: Screen;
  readonly mesh: Mesh;
  readonly scene: () => Scene;
  readonly onProblem: (text: string) => void;
}

export class OutgoingMedia {
  readonly #options: OutgoingOptions;
  readonly #sound = new Sound(() => this.refresh());
  /** What goes to Python while its own sound is part of the others'. */
  readonly #up = new Sound(() => this.refresh());
  readonly #adapter: Adapter;
  readonly #sending: Signal<Sending | null> = signal(null);
  readonly #isWithheld: Signal<boolean> = signal(false);
  readonly #isSoundWithheld: Signal<boolean> = signal(false);
  #withoutEffect = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#adapter = new Adapter({
      outlets: () => this.#outlets(),
      quality: () => options.scene().quality,
      cap_bps: () => options.scene().cap_bps,
      isScreen: () => options.screen.video !== null,
      people: () => (options.scene().isInRoom ? options.mesh.people.value.length + 1 : 1),
      onSending: (sending) => {
        this.#sending.value = sending;
      },
    });
  }

  get sending(): ReadonlySignal<Sending | null> {
    return this.#sending;
  }

  /** The others get no picture because Python, which is to change it, is out of reach. */
  get isWithheld(): ReadonlySignal<boolean> {
    return this.#isWithheld;
  }

  /** The others hear nothing because Python, which is to change the sound, is out of reach. */
  get isSoundWithheld(): ReadonlySignal<boolean> {
    return this.#isSoundWithheld;
  }

  start(): void {
    this.#adapter.start();
  }

  /** Until Python is back. */
  sendWithoutEffect(): void {
    this.#withoutEffect = true;
    this.refresh();
  }

  /** A source, the link, the room or the call's state changed. */
  refresh(): void {
    const { capture, mesh } = this.#options;
    const scene = this.#options.scene();
    if (scene.isPythonHere || !(scene.hasEffect || scene.hasSource)) this.#withoutEffect = false;
    const returned = scene.isPythonHere ? (scene.link?.remoteStream.getVideoTracks()[0] ?? null) : null;
    const video = scene.isInRoom ? this.#picture(scene, returned) : null;
    const hasPicture = scene.hasSource || capture.picture !== null;
    this.#isWithheld.value = scene.isInRoom && video === null && hasPicture;
    this.#setSound(scene, video !== null && video === returned);
    mesh.setTracks(video, scene.isInRoom ? this.#sound.track : null);
    if (scene.link !== null) void this.feed(scene.link);
    this.#adapter.refresh();
  }

  /** Give the link its tracks; a new one has none. */
  async feed(link: Link): Promise<void> {
    const { capture, screen } = this.#options;
    const { hasAudioEffect } = this.#options.scene();
    const isNeeded = this.#isLinkNeeded();
    try {
      await link.setTracks(screen.video ?? capture.picture, this.#toPython());
      await link.setSending(isNeeded, isNeeded || hasAudioEffect);
    } catch (error) {
      this.#options.onProblem(`The browser could not send the devices (${error}).`);
    }
  }

  /** Nothing is sent any more; idempotent. */
  stop(): void {
    this.#adapter.stop();
    this.#sound.close();
    this.#up.close();
    this.#withoutEffect = false;
    this.#isWithheld.value = this.#isSoundWithheld.value = false;
  }

  #picture(scene: Scene, returned: MediaStreamTrack | null): MediaStreamTrack | null {
    const { capture, screen } = this.#options;
    if (screen.video !== null) return screen.video; // an effect for a face is none for a screen
    if (scene.hasSource && !this.#withoutEffect) return returned;
    // with the camera off Python would go on sending the last picture that it made
    if (capture.picture === null) return null;
    return !scene.hasEffect || this.#withoutEffect ? capture.picture : returned;
  }

  #setSound(scene: Scene, isPictureReturned: boolean): void {
    const { capture } = this.#options;
    const { isInRoom, hasAudioEffect: isChanged, isPlaying } = scene;
    const sends = isInRoom && scene.isPythonHere && (isChanged || isPlaying);
    const python = sends ? (scene.link?.remoteStream.getAudioTracks()[0] ?? null) : null;
    this.#isSoundWithheld.value = isInRoom && isChanged && python === null && capture.microphone !== null;
    this.#sound.set({
      microphone: capture.microphone,
      tab: this.#tab(),
      python,
      isChanged: isInRoom && isChanged,
      delay_s: isPictureReturned ? delayOf(scene) : 0,
    });
    const tab = python === null || isChanged ? null : this.#tab();
    this.#up.set({ microphone: capture.microphone, tab, python: null, isChanged: false, delay_s: 0 });
  }

  #tab(): MediaStreamTrack | null {
    const { audio } = this.#options.screen;
    return audio?.readyState === "live" ? audio : null;
  }

  /**
   * The microphone as it is: what Python records is in step with the camera, not with the effect. A shared tab's sound
   * is in it, too, unless Python changes the sound; what comes from Python never goes back to it.
   */
  #toPython(): MediaStreamTrack | null {
    const { isInRoom, hasAudioEffect, isPlaying } = this.#options.scene();
    if (this.#tab() === null || hasAudioEffect) return this.#options.capture.microphone;
    return isInRoom && isPlaying ? this.#up.track : this.#sound.track;
  }

  /** In a room nothing is encoded for a Python that wants nothing. */
  #isLinkNeeded(): boolean {
    const { isInRoom, isWanted, hasEffect, hasSource } = this.#options.scene();
    return !isInRoom || isWanted || hasEffect || hasSource;
  }

  #outlets(): readonly Outlet[] {
    const { link } = this.#options.scene();
    const mesh = this.#options.mesh.outlets;
    if (link === null || !this.#isLinkNeeded()) return mesh;
    return [{ id: "python", connection: link.connection, video: link.video, rank: 0 }, ...mesh];
  }
}

/** How much the voice has to wait for the picture. */
function delayOf({ link, rtt_s, hasAudioEffect }: Scene): number {
  const effect_s = link?.effectDelay_s ?? null;
  if (effect_s === null) return 0;
  // both came through Python the same way; what the sound took longer the picture cannot wait for
  if (hasAudioEffect) return Math.max(0, effect_s - (link?.soundDelay_s ?? effect_s));
  return effect_s + rtt_s + WAY_S;
}
