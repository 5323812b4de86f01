/** Small live pictures of the camera, each with an effect of its own; in the worker. */
import { EFFECTS, type Effect } from "../messages";
import { FrameReader, toFrame } from "./frame";
import { operationOf, type Tools } from "./operations";
import { isUpright, orientationOf, Turner } from "./orientation";
import type { Operation, Orientation, Planes } from "./picture";
import { allocate } from "./planes";

/** Between two pictures of one preview. */
const PERIOD_MS = 250;
/** No further preview is begun in a turn that has taken so long: the camera's next picture may be waiting. */
const TURN_MS = 4;
/** Of the worker's time, for all previews together. The effect that was chosen comes first. */
const SHARE = 0.15;
const WIDTH = 176;

interface Preview {
  readonly canvas: OffscreenCanvas;
  readonly effect: Effect;
  readonly operation: Operation | null;
  drawn_ms: number;
}

export class Previews {
  readonly #tools: Tools;
  readonly #onFailed: (text: string) => void;
  readonly #reader = new FrameReader();
  readonly #turner = new Turner();
  readonly #previews = new Map<number, Preview>();
  #source: ReadableStreamDefaultReader<VideoFrame> | null = null;
  /** Until then the previews rest. */
  #rest_ms = 0;
  #small: Planes | null = null;

  /** `onFailed` is told of a preview that ends because its effect fails, in words. */
  constructor(tools: Tools, onFailed: (text: string) => void) {
    this.#tools = tools;
    this.#onFailed = onFailed;
  }

  add(id: number, canvas: OffscreenCanvas, effect: Effect): void {
    this.remove(id);
    this.#attempt(id, effect, () => {
      const operation = operationOf(effect, this.#tools);
      this.#previews.set(id, { canvas, effect, operation, drawn_ms: Number.NEGATIVE_INFINITY });
    });
  }

  remove(id: number): void {
    this.#previews.get(id)?.operation?.close();
    this.#previews.delete(id);
  }

  /** Take pictures from here, until it ends or another run begins. */
  async run(readable: ReadableStream<VideoFrame>): Promise<void> {
    this.stop();
    const source = readable.getReader();
    this.#source = source;
    for (;;) {
      const { done, value: frame } = await source.read();
      if (done) break;
      await this.show(frame);
    }
  }

  /** Take none any more. Idempotent. */
  stop(): void {
    this.#source?.cancel().catch(() => undefined); // what has failed has nothing to be ended
    this.#source = null;
  }

  /** Draw the previews that have waited longest, as far as there is time for them. Closes `frame`. */
  async show(frame: VideoFrame): Promise<void> {
    try {
      const began_ms = performance.now();
      const due = this.#due(began_ms);
      if (due.length === 0) return;
      const small = this.#upright(this.#shrink(await this.#reader.read(frame)), orientationOf(frame));
      let spent_ms = 0;
      for (const [id, preview] of due) {
        if (spent_ms > TURN_MS) break;
        preview.drawn_ms = began_ms;
        this.#attempt(id, preview.effect, () => {
          const copy = copyOf(small);
          draw(preview.canvas, preview.operation?.apply(copy, frame.timestamp / 1000) ?? copy);
        });
        spent_ms = performance.now() - began_ms;
      }
      this.#rest_ms = began_ms + spent_ms / SHARE;
    } finally {
      frame.close();
    }
  }

  /** Those whose time it is, longest waiting first. */
  #due(now_ms: number): [number, Preview][] {
    if (now_ms < this.#rest_ms) return [];
    const due = [...this.#previews].filter(([, { drawn_ms }]) => now_ms - drawn_ms >= PERIOD_MS);
    return due.sort(([, one], [, other]) => one.drawn_ms - other.drawn_ms);
  }

  #attempt(id: number, effect: Effect, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.remove(id);
      this.#onFailed(`The preview of "${EFFECTS[effect.name].title}" failed (${error}).`);
    }
  }

  #upright(picture: Planes, orientation: Orientation): Planes {
    return isUpright(orientation) ? picture : this.#turner.turn(picture, orientation);
  }

  #shrink(picture: Planes): Planes {
    const width = Math.min(WIDTH, picture.width);
    const height = Math.max(1, Math.round((picture.height * width) / picture.width));
    if (this.#small?.width !== width || this.#small.height !== height) {
      this.#small = allocate(width, height, picture.colour);
    }
    const small = { ...this.#small, colour: picture.colour };
    const half = (size: number) => Math.ceil(size / 2);
    pick(picture.y, picture.width, picture.height, small.y, width, height);
    for (const plane of ["u", "v"] as const) {
      const [columns, rows] = [half(picture.width), half(picture.height)];
      pick(picture[plane], columns, rows, small[plane], half(width), half(height));
    }
    return small;
  }
}

/** The nearest samples are good enough for a picture of this size. */
function pick(
  from: Uint8Array,
  columns: number,
  rows: number,
  to: Uint8Array,
  width: number,
  height: number,
): void {
  for (let row = 0, at = 0; row < height; row++) {
    const start = Math.floor(((row + 0.5) * rows) / height) * columns;
    for (let column = 0; column < width; column++, at++) {
      to[at] = from[start + Math.floor(((column + 0.5) * columns) / width)] as number;
    }
  }
}

function copyOf(picture: Planes): Planes {
  const copy = allocate(picture.width, picture.height, picture.colour);
  copy.y.set(picture.y);
  copy.u.set(picture.u);
  copy.v.set(picture.v);
  return copy;
}

function draw(canvas: OffscreenCanvas, picture: Planes): void {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  const frame = toFrame(picture, { timestamp: 0 });
  canvas.getContext("2d")?.drawImage(frame, 0, 0);
  frame.close();
}
