/** The person's own devices: open, on or off, chosen, remembered. Tells `onChange` after every change of a track. */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Devices, Preferences } from "../contract";
import type { Quality, VideoSize } from "../messages";
import { listDevices, openDevices, videoConstraints } from "./devices";
import type { DeviceProblem } from "./errors";
import { measureLevel } from "./level";
import { loadPreferences, savePreferences } from "./preferences";

type Kind = "camera" | "microphone";

export class Capture {
  readonly devices: Signal<Devices> = signal({ cameras: [], microphones: [] });
  readonly preferences: Signal<Preferences> = signal(loadPreferences());
  readonly localStream: Signal<MediaStream | null> = signal(null);
  readonly cameraOn: Signal<boolean> = signal(false);
  readonly microphoneOn: Signal<boolean> = signal(false);
  readonly level: Signal<number> = signal(0);
  /** As it comes from the device: for constraints, never to be shown or sent. That is `picture`. */
  camera: MediaStreamTrack | null = null;
  microphone: MediaStreamTrack | null = null;
  /** What is meant to be open: a device that arrives after the person changed their mind is closed again. */
  readonly #wanted = { camera: false, microphone: false };
  /** Muted by the person, who alone unmutes it then. */
  #mutedByPerson = false;
  #metered: MediaStreamTrack | null = null;
  #metering = new AbortController();
  #watching: AbortController | null = null;
  readonly #quality: ReadonlySignal<Quality>;
  readonly #onChange: () => void;
  readonly #onProblem: (problem: DeviceProblem) => void;
  readonly #lead: (camera: MediaStreamTrack | null) => MediaStreamTrack | null;
  /** The camera with its effect: what may be seen. */
  picture: MediaStreamTrack | null = null;

  /** `lead` puts the effect on the camera's track; after a change of its own `refresh` is to be called. */
  constructor(
    quality: ReadonlySignal<Quality>,
    onChange: () => void,
    onProblem: (problem: DeviceProblem) => void,
    lead: (camera: MediaStreamTrack | null) => MediaStreamTrack | null = (camera) => camera,
  ) {
    this.#quality = quality;
    this.#onChange = onChange;
    this.#onProblem = onProblem;
    this.#lead = lead;
  }

  /** Open what the preferences ask for and is not open yet. From a click only. */
  async open(): Promise<void> {
    const { useCamera, useMicrophone } = this.preferences.value;
    await this.#open(useCamera && this.camera === null, useMicrophone && this.microphone === null);
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on)
      this.#close("camera"); // stopped, so that its light goes out
    else if (this.camera === null) await this.#open(true, false);
  }

  async setMicrophone(on: boolean, by: "person" | "python"): Promise<void> {
    this.#mutedByPerson = !on && (by === "person" || this.#mutedByPerson);
    if (this.microphone !== null) {
      this.microphone.enabled = on;
      this.#publish();
    } else if (on) await this.#open(false, true);
    else this.#wanted.microphone = false;
  }

  /** The microphone is open, and it was not the person who muted it. */
  get mayPythonUnmute(): boolean {
    return this.microphone !== null && !this.#mutedByPerson;
  }

  /** Remember a choice; what is open follows it. */
  async choose(change: Partial<Preferences>): Promise<void> {
    this.preferences.value = { ...this.preferences.value, ...change };
    savePreferences(this.preferences.value);
    const audio = ["microphoneId", "echoCancellation", "noiseSuppression", "autoGainControl"] as const;
    const camera = "cameraId" in change && this.camera !== null;
    const microphone = audio.some((key) => key in change) && this.microphone !== null;
    if (!camera && !microphone) return;
    const muted = this.microphone?.enabled === false;
    // the old device goes first: many can be open only once
    if (camera) this.#close("camera");
    if (microphone) this.#close("microphone");
    await this.#open(camera, microphone, muted);
  }

  async applyQuality(): Promise<void> {
    try {
      await this.camera?.applyConstraints(videoConstraints(this.preferences.value, this.#quality.value));
    } catch {
      // a camera that cannot keeps the size it has: the bitrate follows all the same
    }
    this.#onChange();
  }

  /** The size that the camera really delivers. */
  get size(): VideoSize | null {
    const settings = this.camera?.getSettings();
    if (settings?.width === undefined || settings.height === undefined) return null;
    return { width: settings.width, height: settings.height, fps: settings.frameRate ?? null };
  }

  /** What may be seen of the camera became another track. */
  refresh(): void {
    this.#publish();
  }

  /** Stop both devices at once. */
  close(): void {
    this.#mutedByPerson = false;
    batch(() => {
      this.#close("camera");
      this.#close("microphone");
    });
  }

  /** Keep the menus true while somebody may look at them. Opens no device. */
  watchDevices(): void {
    if (this.#watching !== null || navigator.mediaDevices?.enumerateDevices === undefined) return;
    this.#watching = new AbortController();
    const list = () => void this.#list();
    navigator.mediaDevices.addEventListener("devicechange", list, { signal: this.#watching.signal });
    list();
  }

  ignoreDevices(): void {
    this.#watching?.abort();
    this.#watching = null;
  }

  async #list(): Promise<void> {
    this.devices.value = await listDevices();
  }

  async #open(camera: boolean, microphone: boolean, muted = false): Promise<void> {
    this.#wanted.camera ||= camera;
    this.#wanted.microphone ||= microphone;
    const opened = await openDevices({ camera, microphone }, this.preferences.value, this.#quality.value);
    if (muted && opened.microphone !== null) opened.microphone.enabled = false;
    if (opened.camera !== null) this.#keep("camera", opened.camera);
    if (opened.microphone !== null) this.#keep("microphone", opened.microphone);
    this.#publish();
    if (this.#wanted.camera || this.#wanted.microphone) opened.problems.forEach(this.#onProblem);
    await this.#list(); // their names are known only now
  }

  #keep(kind: Kind, track: MediaStreamTrack): void {
    if (!this.#wanted[kind]) {
      track.stop();
      return;
    }
    this[kind]?.stop();
    this[kind] = track;
    track.onended = () => {
      if (this[kind] !== track) return;
      this.#close(kind);
      const text = `The ${kind} was disconnected. The call goes on without it; plug it in and turn it on again.`;
      this.#onProblem({ kind, code: "device-ended", text });
    };
  }

  #close(kind: Kind): void {
    this.#wanted[kind] = false;
    if (this[kind] === null) return;
    this[kind].stop();
    this[kind] = null;
    this.#publish();
  }

  #publish(): void {
    this.picture = this.#lead(this.camera);
    const tracks = [this.picture, this.microphone].filter((track) => track !== null);
    const shown = this.localStream.value?.getTracks() ?? [];
    batch(() => {
      if (tracks.length !== shown.length || tracks.some((track) => !shown.includes(track))) {
        this.localStream.value = tracks.length > 0 ? new MediaStream(tracks) : null;
      }
      this.cameraOn.value = this.camera !== null;
      this.microphoneOn.value = this.microphone?.enabled === true;
    });
    this.#meter();
    this.#onChange();
  }

  #meter(): void {
    const heard = this.microphone?.enabled === true ? this.microphone : null;
    if (heard === this.#metered) return;
    this.#metering.abort();
    this.#metering = new AbortController();
    this.#metered = heard;
    if (heard !== null) measureLevel(heard, (level) => (this.level.value = level), this.#metering.signal);
  }
}
