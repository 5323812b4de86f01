/** Sharing a screen, a window or a tab (screen-capture). Tells `onChange` after every change. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

const MOST_FPS = 30;

export interface ScreenProblem {
  readonly code: string;
  readonly text: string;
}

export function canShareScreen(): boolean {
  return typeof navigator !== "undefined" && navigator.mediaDevices?.getDisplayMedia !== undefined;
}

export class Screen {
  readonly #stream: Signal<MediaStream | null> = signal(null);
  readonly #isOn: Signal<boolean> = signal(false);
  readonly #onChange: () => void;
  readonly #onProblem: (problem: ScreenProblem) => void;
  #asking = false;
  /** Counts the ends, so that a screen that is chosen after one is let go at once. */
  #stops = 0;

  constructor(onChange: () => void, onProblem: (problem: ScreenProblem) => void) {
    this.#onChange = onChange;
    this.#onProblem = onProblem;
  }

  get stream(): ReadonlySignal<MediaStream | null> {
    return this.#stream;
  }

  get isOn(): ReadonlySignal<boolean> {
    return this.#isOn;
  }

  get video(): MediaStreamTrack | null {
    return this.#stream.value?.getVideoTracks()[0] ?? null;
  }

  /** The tab's or the system's sound, where the browser gives it and the person ticked it. */
  get audio(): MediaStreamTrack | null {
    return this.#stream.value?.getAudioTracks()[0] ?? null;
  }

  /** Ask which one. From a click only; a person who declines has not made an error. */
  async start(): Promise<void> {
    if (this.#isOn.value || this.#asking) return;
    const stops = this.#stops;
    this.#asking = true;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(wishes());
      if (stops === this.#stops) this.#keep(stream);
      else for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== null) this.#onProblem(problem);
    } finally {
      this.#asking = false;
    }
  }

  /** Idempotent. */
  stop(): void {
    this.#stops += 1;
    const stream = this.#stream.value;
    if (stream === null) return;
    for (const track of stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.#stream.value = null;
    this.#isOn.value = false;
    this.#onChange();
  }

  #keep(stream: MediaStream): void {
    const [video] = stream.getVideoTracks();
    const [audio] = stream.getAudioTracks();
    if (video === undefined) return;
    video.contentHint = "detail";
    if (audio !== undefined) audio.contentHint = "music";
    // the browser's own bar, or the window was closed
    video.onended = () => this.stop();
    if (audio !== undefined) audio.onended = () => this.#onChange();
    this.#stream.value = stream;
    this.#isOn.value = true;
    this.#onChange();
  }
}

/** No minimum here: getDisplayMedia refuses one (screen-capture, section 5.1). */
function wishes(): DisplayMediaStreamOptions {
  const options = {
    video: { frameRate: { ideal: MOST_FPS, max: MOST_FPS } },
    // a film's sound is not somebody who speaks
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    systemAudio: "include",
    surfaceSwitching: "include",
  };
  return options;
}

/** Null where the person simply declined. */
function problemOf(error: unknown): ScreenProblem | null {
  const name = error instanceof DOMException || error instanceof Error ? error.name : String(error);
  switch (name) {
    case "NotAllowedError":
    case "AbortError":
      return null;
    case "InvalidStateError":
      return {
        code: "screen-needs-click",
        text: "Browsers share a screen only right after a click: press Share screen.",
      };
    case "NotFoundError":
    case "NotReadableError":
      return {
        code: "screen-unreadable",
        text: "The system does not let this browser see the screen. Allow screen recording in its settings, then try again.",
      };
    default: {
      const detail = error instanceof Error ? `: ${error.message}` : "";
      return { code: "screen-error", text: `The screen could not be shared (${name}${detail}).` };
    }
  }
}
