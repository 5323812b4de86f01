/**
 * One camera's pictures on their way through an effect, in the worker. Nothing queues: while a picture is worked on, the
 * newest of those that came is kept by the source and older ones are dropped by it. A picture that an effect fails on is
 * left out; the camera's own never takes its place.
 */
import { EFFECTS, type Effect } from "../messages";
import { FrameReader, toFrame } from "./frame";
import { operationOf, type Tools } from "./operations";
import { isUpright, orientationOf, Turner, takesOrientation } from "./orientation";
import type { Operation } from "./picture";

/** So often `onMeasured` is told how it goes. */
const REPORT_MS = 1000;

export interface Measured {
  readonly fps: number;
  readonly frame_ms: number;
}

export interface PipelineOptions {
  readonly tools: Tools;
  readonly onMeasured: (measured: Measured) => void;
  /** Why no pictures come out, in words; empty when they do again. */
  readonly onTrouble: (text: string) => void;
}

interface Run {
  readonly reader: ReadableStreamDefaultReader<VideoFrame>;
  readonly writer: WritableStreamDefaultWriter<VideoFrame>;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #reader = new FrameReader();
  readonly #turner = new Turner();
  #effect: Effect = { name: "none", strength: null };
  #operation: Operation | null = null;
  #run: Run | null = null;
  #trouble = "";
  #frames = 0;
  #spent_ms = 0;
  #since_ms = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** From the next picture on. */
  use(effect: Effect): void {
    this.#tell("");
    this.#operation?.close();
    this.#operation = null; // an effect that cannot be made lets nothing through
    this.#effect = effect;
    try {
      this.#operation = operationOf(effect, this.#options.tools);
    } catch (error) {
      this.#tell(`The effect "${EFFECTS[effect.name].title}" could not be made (${error}).`);
    }
  }

  /** Lead everything from `readable` to `writable`, until the camera ends or another run begins. */
  async run(readable: ReadableStream<VideoFrame>, writable: WritableStream<VideoFrame>): Promise<void> {
    this.stop();
    const run: Run = { reader: readable.getReader(), writer: writable.getWriter() };
    this.#run = run;
    this.#frames = this.#spent_ms = 0;
    this.#since_ms = performance.now();
    try {
      for (;;) {
        const { done, value: frame } = await run.reader.read();
        if (done) break;
        const changed = await this.process(frame);
        if (changed !== null && !(await this.#give(changed, run))) break;
      }
    } catch (error) {
      if (this.#run === run) this.#tell(`The camera's pictures stopped (${error}).`);
    } finally {
      if (this.#run === run) this.stop();
    }
  }

  /** End the run, and close what it reads and writes. Idempotent. */
  stop(): void {
    const run = this.#run;
    this.#run = null;
    if (run === null) return;
    // what has ended by itself, or failed, has nothing to be ended
    run.reader.cancel().catch(() => undefined);
    run.writer.close().catch(() => undefined);
  }

  /** The picture with its effect, or null where that failed. Closes `frame`. */
  async process(frame: VideoFrame): Promise<VideoFrame | null> {
    const began_ms = performance.now();
    try {
      const picture = await this.#reader.read(frame);
      const operation = this.#operation;
      if (operation === null) return null;
      const { timestamp, duration, displayWidth, displayHeight } = frame;
      const like = { timestamp, duration, displayWidth, displayHeight };
      const orientation = orientationOf(frame);
      const isTurned = !isUpright(orientation) && (operation.isDirected || !takesOrientation());
      const given = isTurned ? this.#turner.turn(picture, orientation) : picture;
      const result = operation.apply(given, timestamp / 1000);
      const changed = toFrame(result, isTurned ? like : { ...like, ...orientation });
      this.#tell("");
      return changed;
    } catch (error) {
      this.#tell(`The effect "${EFFECTS[this.#effect.name].title}" failed on a picture (${error}).`);
      return null;
    } finally {
      frame.close();
      this.#measure(began_ms);
    }
  }

  /** False where nobody takes it any more: the track that it was for has ended. Closes `frame`. */
  async #give(frame: VideoFrame, run: Run): Promise<boolean> {
    try {
      if (this.#run === run) await run.writer.write(frame);
    } catch {
      return false;
    } finally {
      frame.close(); // a second time where it was written
    }
    return this.#run === run;
  }

  #tell(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }

  #measure(began_ms: number): void {
    const now_ms = performance.now();
    this.#frames += 1;
    this.#spent_ms += now_ms - began_ms;
    const elapsed_ms = now_ms - this.#since_ms;
    if (elapsed_ms < REPORT_MS) return;
    this.#options.onMeasured({
      fps: (1000 * this.#frames) / elapsed_ms,
      frame_ms: this.#spent_ms / this.#frames,
    });
    this.#frames = this.#spent_ms = 0;
    this.#since_ms = now_ms;
  }
}
