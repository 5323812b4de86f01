/** One film that is made: a picture and a sound that last, a MediaRecorder over them, and the file for its bytes. */
import type { RecordingLayout } from "../../messages";
import { FilmFile } from "./film-file";
import type { Format } from "./formats";
import { Mix } from "./mix";
import { Picture } from "./picture";
import type { Screens } from "./screens";
import type { Sink } from "./sink";
import type { Scene } from "./source";

/** So much is lost where the tab goes without a word, and what the encoder holds back; together less than a second. */
const SLICE_MS = 500;
const VIDEO_BPS = 2_500_000;
const AUDIO_BPS = 128_000;
/** A player that seeks needs one not far away. */
const KEYFRAME_MS = 2_000;
/** What comes so late waits for an encoder that cannot keep up: of fewer beats one is drawn... */
const LATE_MS = 500;
/** ...down to one of so many, and more again once it comes no later than this. */
const MOST_BEATS = 4;
const SOON_MS = 250;
/** At the end so long is waited for pictures that are not encoded yet, and so long where no more of them come. */
const DRAIN_MS = 3_000;
const DRAIN_STEPS = 4;
const DRAIN_STEP_MS = 100;

export interface FilmOptions {
  readonly context: AudioContext;
  readonly screens: Screens;
  readonly format: Format;
  readonly layout: RecordingLayout | null;
  /** Whether names are written into the picture: not into one person's, of which films with names are made. */
  readonly isCaptioned: boolean;
  /** On its way while the first second is recorded already. */
  readonly sink: Promise<Sink>;
  /** It goes no further: why, as a sentence. What was recorded until then is kept. */
  readonly onProblem: (text: string) => void;
}

export class Film {
  readonly #layout: RecordingLayout | null;
  readonly #picture: Picture;
  readonly #mix: Mix;
  readonly #recorder: MediaRecorder;
  readonly #file: FilmFile;
  readonly #ended: Promise<void>;
  readonly #started_ms: number;
  #stopped_ms: number | null = null;
  #drawn_ms = 0;
  #beats = 0;
  /** Of so many beats one is drawn. */
  #every = 1;
  #isComplete = false;
  #stopping: Promise<void> | null = null;

  /** Throws where the browser cannot. */
  constructor(options: FilmOptions) {
    this.#layout = options.layout;
    this.#file = new FilmFile(options.sink, options.onProblem);
    this.#picture = new Picture(options.screens, options.isCaptioned);
    this.#mix = new Mix(options.context);
    const stream = new MediaStream([this.#picture.track, this.#mix.track]);
    const wishes = {
      mimeType: options.format.mimeType,
      videoBitsPerSecond: VIDEO_BPS,
      audioBitsPerSecond: AUDIO_BPS,
      videoKeyFrameIntervalDuration: KEYFRAME_MS,
    };
    try {
      this.#recorder = new MediaRecorder(stream, wishes);
      this.#recorder.start(SLICE_MS);
    } catch (error) {
      this.#picture.close();
      this.#mix.close();
      throw error;
    }
    this.#started_ms = performance.now();
    this.#recorder.ondataavailable = ({ data }) => this.#take(data);
    this.#recorder.onerror = (event) => {
      const { name, message } = (event as ErrorEvent).error ?? { name: "UnknownError", message: "" };
      options.onProblem(`The browser stopped recording (${name}${message === "" ? "" : `: ${message}`}).`);
    };
    this.#ended = new Promise((resolve) => {
      this.#recorder.onstop = () => resolve();
    });
  }

  /** Once for each beat. */
  draw(scene: Scene): void {
    if (this.#stopped_ms !== null) return;
    this.#mix.set(scene.sources);
    this.#beats += 1;
    if (this.#beats % this.#every !== 0) return;
    this.#picture.draw(scene, this.#layout);
    this.#drawn_ms = this.#elapsed_ms;
  }

  /** In the end that of what is in the file, which begins a little after the request. */
  get duration_ms(): number {
    return (this.#isComplete ? this.#file.duration_ms : null) ?? this.#elapsed_ms;
  }

  get size_bytes(): number {
    return this.#file.size_bytes;
  }

  /** Resolves when the file is complete. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** An error ends the recorder by itself; then nothing can be asked of it. */
  get #isOver(): boolean {
    return this.#recorder.state === "inactive";
  }

  get #elapsed_ms(): number {
    return (this.#stopped_ms ?? performance.now()) - this.#started_ms;
  }

  async #stop(): Promise<void> {
    this.#stopped_ms = performance.now();
    this.#mix.set([]); // nothing more is drawn or heard
    await this.#drain();
    if (!this.#isOver) this.#recorder.stop();
    await this.#ended;
    this.#picture.close();
    this.#mix.close();
    await this.#file.complete();
    this.#isComplete = true;
  }

  #take(data: Blob): void {
    this.#file.take(data);
    if (this.#stopped_ms === null) void this.#file.written.then(() => this.#adapt());
  }

  /** Fewer pictures where they come too late, so that they do not come later and later. */
  #adapt(): void {
    const late_ms = this.#drawn_ms - (this.#file.reached_ms ?? this.#drawn_ms);
    if (late_ms > LATE_MS) this.#every = Math.min(this.#every + 1, MOST_BEATS);
    else if (late_ms < SOON_MS) this.#every = Math.max(this.#every - 1, 1);
  }

  /** A busy encoder would lose its last pictures: nothing new goes in, and what is in comes out. */
  async #drain(): Promise<void> {
    if (this.#recorder.state !== "recording") return;
    this.#recorder.pause();
    const until_ms = performance.now() + DRAIN_MS;
    let [reached_ms, idle] = [-1, 0];
    while (!this.#isOver && performance.now() < until_ms && idle < DRAIN_STEPS) {
      const came = new Promise((resolve) => {
        this.#recorder.addEventListener("dataavailable", resolve, { once: true });
      });
      this.#recorder.requestData();
      await came;
      await this.#file.written;
      const now_ms = this.#file.reached_ms;
      if (now_ms === null || now_ms >= this.#drawn_ms - SOON_MS / 2) return;
      idle = now_ms > reached_ms ? 0 : idle + 1;
      reached_ms = now_ms;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS));
    }
  }
}
