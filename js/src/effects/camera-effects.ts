/**
 * The camera's picture as everybody sees it: the camera's own track, or one that comes out of the effects' worker. While
 * an effect is chosen the camera's own track is known to nobody else, whatever fails.
 */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Assets } from "../assets";
import type { EffectStatus, EffectsView } from "../contract";
import { EFFECTS, type Effect } from "../messages";
import { Backdrop } from "./backdrop-choice";
import { EffectsWorker, NO_WORKER, whyNoEffects } from "./effects-worker-client";
import { Grabber, Painter } from "./fallback";
import type { Graphics } from "./segmenter";

const OFF: EffectStatus = { state: "off", text: "", fps: null, frame_ms: null };
const NONE: Effect = { name: "none", strength: null };
/** A worker that has not said a word by then is started anew, once. */
const ANSWER_MS = 10_000;

export interface CameraEffectsOptions {
  readonly assets: Assets;
  /** `track` became another one by itself. */
  readonly onChange: () => void;
  /** For the person, and for `call.errors`. */
  readonly onTrouble: (text: string) => void;
  /** What the person chose, for the engine. */
  readonly onChosen: (effect: Effect) => Promise<void>;
  readonly makeWorker?: () => Worker;
  /** For tests and benchmarks. */
  readonly graphics?: Graphics;
}

interface Flow {
  readonly camera: MediaStreamTrack;
  readonly track: MediaStreamTrack;
  close(): void;
}

export class CameraEffects implements EffectsView {
  readonly unavailable = whyNoEffects();
  readonly #options: CameraEffectsOptions;
  readonly #status: Signal<EffectStatus> = signal(OFF);
  readonly #previewRound = signal(1);
  readonly #backdrop: Backdrop;
  #worker: EffectsWorker | null = null;
  #camera: MediaStreamTrack | null = null;
  #effect: Effect = NONE;
  /** As the state says. */
  #mirrored: Effect = NONE;
  /** Choices that the engine has not answered: until then an older state does not undo them. */
  #unanswered = 0;
  /** A choice that did not get through. */
  #untaken: Effect | null = null;
  #flow: Flow | null = null;
  #previewed: Flow | null = null;
  #previews = 0;
  #lastPreview = 0;
  #lastRound = 1;
  #restarts = 0;

  constructor(options: CameraEffectsOptions) {
    this.#options = options;
    this.#backdrop = new Backdrop(options.assets, {
      onPicture: (picture) => this.#worker?.setBackground(picture),
      onTrouble: options.onTrouble,
    });
  }

  get status(): ReadonlySignal<EffectStatus> {
    return this.#status;
  }

  get hasBackground(): ReadonlySignal<boolean> {
    return this.#backdrop.isThere;
  }

  get previewRound(): ReadonlySignal<number> {
    return this.#previewRound;
  }

  /** What the others, Python and the person may see; null without a camera, and while there is nothing safe to show. */
  get track(): MediaStreamTrack | null {
    return this.#effect.name === "none" ? this.#camera : (this.#flow?.track ?? null);
  }

  /** The camera's own track from now on; returns what may be seen of it. */
  lead(camera: MediaStreamTrack | null): MediaStreamTrack | null {
    if (camera !== this.#camera) {
      this.#camera = camera;
      this.#restarts = 0;
      this.#resumePreviews();
      this.#stop();
      this.#start();
      this.#follow();
    }
    return this.track;
  }

  /** What the call's state says: the effect, and the picture that Python gave for "background". */
  mirror(effect: Effect, background: string): void {
    this.#backdrop.mirror(background, effect.name === "background");
    const untaken = isSame(effect, this.#mirrored) ? this.#untaken : null;
    this.#mirrored = effect;
    if (this.#unanswered > 0) return;
    // an engine that says what was before the choice has not heard of it: it is told again, and the choice holds
    this.#untaken = null;
    if (untaken === null || isSame(untaken, effect)) this.#use(effect);
    else this.choose(untaken);
  }

  choose(effect: Effect): void {
    this.#use(effect, this.#status.value.state === "failed");
    this.#unanswered += 1;
    this.#untaken = null;
    this.#options
      .onChosen(effect)
      .then(
        () => true,
        () => false,
      )
      .then((isTaken) => {
        this.#unanswered -= 1;
        if (!isTaken && isSame(effect, this.#effect)) this.#untaken = effect;
        else if (this.#unanswered === 0) this.#use(this.#mirrored);
      });
  }

  async chooseBackground(picture: Blob): Promise<void> {
    await this.#backdrop.choose(picture);
    this.choose({ name: "background", strength: null });
  }

  preview(canvas: HTMLCanvasElement, effect: Effect, ended: AbortSignal): void {
    const worker = ended.aborted ? null : this.#begin();
    if (worker === null) return;
    const id = ++this.#lastPreview;
    this.#previews += 1;
    worker.addPreview(id, canvas.transferControlToOffscreen(), effect);
    this.#follow();
    ended.addEventListener("abort", () => {
      this.#previews -= 1;
      this.#worker?.endPreview(id);
      this.#follow();
      this.#rest();
    });
  }

  /** Everything ends; a camera that comes later begins anew. Idempotent. */
  close(): void {
    this.#camera = null;
    this.#stop();
    this.#previewed?.close();
    this.#previewed = null;
    this.#worker?.close();
    this.#worker = null;
    this.#status.value = OFF;
  }

  /** `again`: also where it is in use already. */
  #use(effect: Effect, again = false): void {
    if (isSame(effect, this.#effect) && !again) return;
    const shown = this.track;
    this.#effect = effect;
    batch(() => {
      if (effect.name === "none") this.#stop();
      else if (this.#flow !== null) this.#tell();
      else this.#start();
      if (this.track !== shown) this.#options.onChange();
    });
  }

  /** Lead the camera through the worker, if there are both and an effect. */
  #start(): void {
    if (this.#camera === null || this.#effect.name === "none") return;
    const worker = this.#begin();
    if (worker === null) return;
    this.#tell();
    this.#flow = this.#flowOf(this.#camera, worker);
  }

  #tell(): void {
    this.#status.value = { ...OFF, state: "running" };
    this.#worker?.use(this.#effect);
  }

  #flowOf(camera: MediaStreamTrack, worker: EffectsWorker): Flow {
    if (worker.hasStreams) {
      const track = worker.run(camera);
      const close = () => {
        worker.stop();
        track.stop();
      };
      return { camera, track, close };
    }
    const painter = new Painter();
    const grabber = new Grabber(camera, worker, (frame) => worker.give(frame, "frame"));
    worker.onFrame = (frame) => painter.paint(frame);
    worker.onTick = () => grabber.tick();
    return {
      camera,
      track: painter.track,
      close: () => {
        grabber.close();
        worker.stop();
        painter.track.stop();
      },
    };
  }

  /** A copy of the camera for the previews, as long as there are some. */
  #follow(): void {
    const worker = this.#worker;
    const camera = this.#previews > 0 && worker !== null ? this.#camera : null;
    if (camera === (this.#previewed?.camera ?? null)) return;
    this.#previewed?.close();
    this.#previewed = null;
    if (camera === null || worker === null) return;
    const track = camera.clone();
    if (worker.hasStreams) {
      worker.runPreviews(track);
      this.#previewed = { camera, track, close: () => track.stop() };
    } else {
      const clock = { start: () => undefined, stop: () => undefined };
      const grabber = new Grabber(track, clock, (frame) => worker.give(frame, "previews-frame"));
      const close = () => {
        grabber.close();
        track.stop();
      };
      this.#previewed = { camera, track, close };
    }
  }

  #begin(): EffectsWorker | null {
    if (this.#worker !== null) return this.#worker;
    if (this.unavailable !== "") {
      this.#failed(this.unavailable);
      return null;
    }
    try {
      this.#worker = new EffectsWorker({
        assets: this.#options.assets,
        ...(this.#options.makeWorker === undefined ? {} : { make: this.#options.makeWorker }),
        ...(this.#options.graphics === undefined ? {} : { graphics: this.#options.graphics }),
        answer_ms: ANSWER_MS,
        onStatus: (status) => {
          if (this.#flow !== null) this.#tellStatus(status);
        },
        onPreviewFailed: this.#options.onTrouble,
        onDied: (text) => this.#died(text),
      });
    } catch {
      this.#failed(NO_WORKER);
      return null;
    }
    this.#worker.setBackground(this.#backdrop.picture);
    this.#resumePreviews();
    return this.#worker;
  }

  #tellStatus(status: EffectStatus): void {
    const isNew = status.state === "failed" && status.text !== this.#status.value.text;
    this.#status.value = status;
    if (isNew) this.#options.onTrouble(status.text);
  }

  /** A worker that failed is tried once more; meanwhile nothing is shown. */
  #died(text: string): void {
    this.#stop();
    this.#previewed?.close();
    this.#previewed = null;
    this.#worker?.close();
    this.#worker = null;
    this.#previewRound.value = 0; // their canvases went with the worker
    if (this.#restarts++ === 0) {
      this.#start();
      this.#resumePreviews();
    } else {
      this.#failed(text);
    }
    this.#options.onChange();
  }

  #resumePreviews(): void {
    if (this.#previewRound.value === 0) this.#previewRound.value = ++this.#lastRound;
  }

  #failed(text: string): void {
    if (this.#effect.name === "none") return;
    const title = EFFECTS[this.#effect.name].title;
    const what = `The effect "${title}" does not work here, so your picture is not shown: ${text}`;
    this.#tellStatus({ ...OFF, state: "failed", text: what });
  }

  #stop(): void {
    this.#flow?.close();
    this.#flow = null;
    this.#status.value = OFF;
    this.#rest();
  }

  /** A worker without work ends: it may hold a model and its memory. */
  #rest(): void {
    if (this.#flow !== null || this.#previews > 0 || this.#effect.name !== "none") return;
    this.#worker?.close();
    this.#worker = null;
  }
}

function isSame(one: Effect, other: Effect): boolean {
  return one.name === other.name && one.strength === other.strength;
}
