/** The person's own devices: open, on or off, chosen, remembered. Tells `onChange` after every change of a track. */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Devices, Preferences } from "../contract";
import type { Quality, VideoSize } from "../messages";
import { listDevices, openDevices, videoConstraints } from "./devices";
import type { DeviceProblem } from "./errors";
import { measureLevel } from "./level";
import { loadPreferences, savePreferences } from "./preferences";

export class Capture {
  readonly devices: Signal<Devices> = signal({ cameras: [], microphones: [] });
  readonly preferences: Signal<Preferences> = signal(loadPreferences());
  readonly localStream: Signal<MediaStream | null> = signal(null);
  readonly cameraOn: Signal<boolean> = signal(false);
  readonly microphoneOn: Signal<boolean> = signal(false);
  readonly level: Signal<number> = signal(0);
  camera: MediaStreamTrack | null = null;
  microphone: MediaStreamTrack | null = null;
  /** The person muted it themselves: then only the person unmutes it. */
  mutedByPerson = false;
  #metering: AbortController | null = null;
  #watching: AbortController | null = null;
  readonly #quality: ReadonlySignal<Quality>;
  readonly #onChange: () => void;
  readonly #onProblem: (problem: DeviceProblem) => void;

  constructor(
    quality: ReadonlySignal<Quality>,
    onChange: () => void,
    onProblem: (problem: DeviceProblem) => void,
  ) {
    this.#quality = quality;
    this.#onChange = onChange;
    this.#onProblem = onProblem;
  }

  /** Open what the preferences ask for and is not open yet. From a click only. */
  async open(): Promise<void> {
    const { useCamera, useMicrophone } = this.preferences.value;
    await this.#open(useCamera && this.camera === null, useMicrophone && this.microphone === null);
  }

  async setCamera(on: boolean): Promise<void> {
    if (on === this.cameraOn.value) return;
    if (on) await this.#open(true, false);
    else this.#drop("camera"); // stopped, so that its light goes out
  }

  async setMicrophone(on: boolean, byPerson: boolean): Promise<void> {
    if (!on && byPerson) this.mutedByPerson = true;
    if (on) this.mutedByPerson = false;
    if (this.microphone === null) {
      if (on) await this.#open(false, true);
      return;
    }
    this.microphone.enabled = on;
    this.#publish();
  }

  /** Remember a choice; what is open follows it. */
  async choose(change: Partial<Preferences>): Promise<void> {
    this.preferences.value = { ...this.preferences.value, ...change };
    savePreferences(this.preferences.value);
    const audio = ["microphoneId", "echoCancellation", "noiseSuppression", "autoGainControl"] as const;
    const reopenCamera = "cameraId" in change && this.camera !== null;
    const reopenMicrophone = audio.some((key) => key in change) && this.microphone !== null;
    if (!reopenCamera && !reopenMicrophone) return;
    const muted = this.microphone?.enabled === false;
    // the old device goes first: many can be open only once
    if (reopenCamera) this.#drop("camera");
    if (reopenMicrophone) this.#drop("microphone");
    await this.#open(reopenCamera, reopenMicrophone);
    if (reopenMicrophone && muted) await this.setMicrophone(false, this.mutedByPerson);
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

  /** Stop both devices at once. */
  close(): void {
    this.#watching?.abort();
    this.#watching = null;
    this.camera?.stop();
    this.microphone?.stop();
    this.camera = this.microphone = null;
    this.mutedByPerson = false;
    this.#publish();
  }

  async #open(camera: boolean, microphone: boolean): Promise<void> {
    const opened = await openDevices({ camera, microphone }, this.preferences.value, this.#quality.value);
    if (opened.camera !== null) this.#keep("camera", opened.camera);
    if (opened.microphone !== null) this.#keep("microphone", opened.microphone);
    this.#publish();
    opened.problems.forEach(this.#onProblem);
    this.#watch();
    this.devices.value = await listDevices();
  }

  #keep(kind: "camera" | "microphone", track: MediaStreamTrack): void {
    this[kind]?.stop();
    this[kind] = track;
    track.onended = () => {
      if (this[kind] !== track) return;
      this.#drop(kind);
      const text = `The ${kind} was disconnected. The call goes on without it; plug it in and turn it on again.`;
      this.#onProblem({ code: "device-ended", text });
    };
  }

  #drop(kind: "camera" | "microphone"): void {
    this[kind]?.stop();
    this[kind] = null;
    this.#publish();
  }

  #watch(): void {
    if (this.#watching !== null || navigator.mediaDevices === undefined) return;
    this.#watching = new AbortController();
    navigator.mediaDevices.addEventListener(
      "devicechange",
      async () => {
        this.devices.value = await listDevices();
      },
      { signal: this.#watching.signal },
    );
  }

  #publish(): void {
    const tracks = [this.camera, this.microphone].filter((track) => track !== null);
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
    this.#metering?.abort();
    this.#metering = null;
    if (this.microphone?.enabled !== true) return;
    this.#metering = new AbortController();
    measureLevel(this.microphone, (level) => (this.level.value = level), this.#metering.signal);
  }
}

