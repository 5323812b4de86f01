/** A plain page for benchmarks/effects.py: what a frame costs in nbrtc's effects and in the naive loop. */
import { FrameReader, toFrame } from "../src/effects/frame";
import { SIDE } from "../src/effects/model-picture";
import { operationOf, strengthOf } from "../src/effects/operations";
import { PersonOperation } from "../src/effects/person";
import type { Operation } from "../src/effects/picture";
import type { FromWorker, ToWorker } from "../src/effects/protocol";
import type { Finder, Graphics } from "../src/effects/segmenter";
import type { Effect } from "../src/messages";
import { naiveLoop } from "./naive-effects";

declare const NBRTC_EFFECTS_WORKER: string;

const reader = new FrameReader();
let camera: VideoFrame;

/** What the camera shows from now on: a picture (as an URL) that covers the size, in I420 as cameras give it. */
async function show(picture: string, width: number, height: number): Promise<void> {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = contextOf(canvas);
  const scale = Math.max(width / image.width, height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  const drawn = new VideoFrame(canvas, { timestamp: 0 });
  camera = toFrame(await reader.read(drawn), drawn);
  drawn.close();
}

/** As in a call, an effect is made once: a kernel's first frames run before the browser has compiled it for speed. */
const operations = new Map<string, Operation | null>();

function made(effect: Effect): Operation | null {
  const key = JSON.stringify(effect);
  const known = operations.get(key);
  if (known !== undefined) return known;
  const operation = operationOf(effect, {
    person: () => {
      throw new Error("This page tells nobody from the background.");
    },
  });
  operations.set(key, operation);
  return operation;
}

/** Milliseconds a frame of so many: copied out, changed, made a new frame, closed. */
async function ours(effect: Effect, frames: number): Promise<number> {
  const operation = made(effect);
  const began_ms = performance.now();
  for (let number = 0; number < frames; number++) await one(operation, number);
  return (performance.now() - began_ms) / frames;
}

/** A round mask: what is left of blur without its segmenter. */
const ROUND = Float32Array.from({ length: SIDE * SIDE }, (_, at) => {
  return Number(Math.hypot((at % SIDE) - SIDE / 2, at / SIDE - SIDE / 2) < SIDE / 3);
});

/** As `ours`, for blur with a mask that is there already, or with none, which blurs all. */
async function blurring(hasMask: boolean, frames: number): Promise<number> {
  const strength = strengthOf({ name: "blur", strength: null });
  const operation = new PersonOperation(strength, { mask: () => (hasMask ? ROUND : null) }, null);
  const began_ms = performance.now();
  for (let number = 0; number < frames; number++) await one(operation, number);
  const spent_ms = performance.now() - began_ms;
  operation.close();
  return spent_ms / frames;
}

async function one(operation: Operation | null, number: number): Promise<void> {
  const planes = await reader.read(camera);
  const changed = operation?.apply(planes, (number * 1000) / 30) ?? planes;
  toFrame(changed, { timestamp: (number * 1e6) / 30 }).close();
}

/** The same for drawImage, getImageData, a loop over the pixels, putImageData. */
function naive(effect: Effect, frames: number): number {
  const loop = naiveLoop(effect.name, strengthOf(effect));
  const { codedWidth: width, codedHeight: height } = camera;
  const began_ms = performance.now();
  for (let number = 0; number < frames; number++) {
    canvas.drawImage(camera, 0, 0);
    const picture = canvas.getImageData(0, 0, width, height);
    loop(picture.data, width);
    canvas.putImageData(picture, 0, 0);
  }
  return (performance.now() - began_ms) / frames;
}

/** The widget's own worker, which gets one picture at a time. */
class InWorker {
  readonly #worker: Worker;
  readonly #assets: Readonly<Record<string, string>>;
  #take: (frame: VideoFrame | null) => void = () => undefined;
  /** Once that is settled, what finds the person. */
  finder: Finder | null = null;
  #isPreparing = false;
  #prepared: () => void = () => undefined;
  #failed: (error: Error) => void = (error) => {
    throw error;
  };

  /** `assets`: what it may ask for, by name, packed with gzip, in base64. */
  constructor(assets: Readonly<Record<string, string>>, graphics: Graphics) {
    this.#assets = assets;
    const script = new Blob([NBRTC_EFFECTS_WORKER], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(script));
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = ({ message }) => this.#failed(new Error(message));
    this.#post({ type: "base", base: null, graphics });
  }

  /** Until it tells a person from the background. */
  prepare(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#prepared = resolve;
      this.#failed = reject;
      this.use({ name: "blur", strength: null });
    });
  }

  use(effect: Effect): void {
    this.#post({ type: "effect", effect });
  }

  async run(frames: number): Promise<number> {
    const began_ms = performance.now();
    for (let number = 0; number < frames; number++) {
      const changed = await new Promise<VideoFrame | null>((resolve) => {
        this.#take = resolve;
        const frame = new VideoFrame(camera, { timestamp: performance.now() * 1000 });
        this.#post({ type: "frame", frame }, [frame]);
      });
      if (changed === null) throw new Error("The effect failed on a picture.");
      changed.close();
    }
    return (performance.now() - began_ms) / frames;
  }

  close(): void {
    this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    if (message.type === "frame") this.#take(message.frame);
    if (message.type === "asset-please") void this.#give(message.name);
    if (message.type !== "status") return;
    const { state, text, finder } = message.status;
    if (finder !== undefined) this.finder = finder;
    if (state === "failed") this.#failed(new Error(text));
    if (state === "preparing") this.#isPreparing = true;
    if (state === "running" && this.#isPreparing) this.#prepared();
  }

  async #give(name: string): Promise<void> {
    const packed = this.#assets[name];
    if (packed === undefined) {
      this.#post({ type: "asset", name, bytes: null, error: `The benchmark has no ${name}.` });
      return;
    }
    const data = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const whole = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(whole).arrayBuffer();
    this.#post({ type: "asset", name, bytes, error: "" }, [bytes]);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("This browser draws no canvas.");
  return context;
}

let canvas: OffscreenCanvasRenderingContext2D;
let worker: InWorker | null = null;

Object.assign(window, {
  speed: {
    show: async (picture: string, width: number, height: number) => {
      canvas = contextOf(new OffscreenCanvas(width, height));
      await show(picture, width, height);
    },
    ours,
    naive,
    blurring,
    prepare: async (assets: Readonly<Record<string, string>>, graphics: Graphics) => {
      worker = new InWorker(assets, graphics);
      await worker.prepare();
    },
    /** Milliseconds a frame there and back. */
    worker: async (effect: Effect, frames: number) => {
      worker?.use(effect);
      return await worker?.run(frames);
    },
    finder: () => worker?.finder ?? null,
    close: () => worker?.close(),
  },
});
