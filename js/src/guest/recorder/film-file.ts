/** The bytes of one film on their way to the disk: in order, bounded, with the duration at the end. */
import type { Sink } from "./sink";
import { durationElement, Frames, type Prepared, prepare } from "./webm";

/** Whatever stands before the first frame is in as many bytes. Browsers give it in any pieces. */
const HEAD_BYTES = 1024;
/** What a slow disk has not taken yet; with more than that the film ends, because memory must not grow. */
const MOST_WAITING_BYTES = 64 << 20;
/** The last frame is shown about so long. */
const FRAME_MS = 1000 / 30;

export class FilmFile {
  readonly #sink: Promise<Sink>;
  readonly #onProblem: (text: string) => void;
  readonly #frames = new Frames();
  #head: Uint8Array<ArrayBuffer> | null = new Uint8Array();
  #prepared: Prepared | null = null;
  #writing: Promise<void> = Promise.resolve();
  #waiting_bytes = 0;
  #written_bytes = 0;
  #isOverfull = false;
  #hasFailed = false;
  #completing: Promise<void> | null = null;

  /** `onProblem` is told once why the file ends early, as a sentence; what it has until then stays. */
  constructor(sink: Promise<Sink>, onProblem: (text: string) => void) {
    this.#sink = sink;
    this.#onProblem = onProblem;
  }

  get size_bytes(): number {
    return this.#written_bytes;
  }

  /** Of what has come, by the timestamps in it; null where the format does not tell. */
  get duration_ms(): number | null {
    const { last } = this.#frames;
    return last === null ? null : last * this.#tick_ms + FRAME_MS;
  }

  /** Until when both picture and sound have come; null where the format does not tell. */
  get reached_ms(): number | null {
    const { straggler } = this.#frames;
    return straggler === null ? null : straggler * this.#tick_ms;
  }

  /** Resolves when what came until now is written, or was refused. */
  get written(): Promise<void> {
    return this.#writing;
  }

  /** The next bytes. */
  take(data: Blob): void {
    if (data.size === 0 || this.#isOverfull) return;
    if (this.#waiting_bytes + data.size > MOST_WAITING_BYTES) {
      this.#isOverfull = true; // what waits is written still
      this.#onProblem("The recording ended: the disk is too slow for it, 64 MiB waited.");
      return;
    }
    this.#waiting_bytes += data.size;
    this.#writing = this.#writing.then(() => this.#write(data));
  }

  /** Everything has come. Resolves when the file is closed, or could not be. Idempotent. */
  complete(): Promise<void> {
    this.#completing ??= this.#writing.then(() => this.#complete());
    return this.#completing;
  }

  get #tick_ms(): number {
    return (this.#prepared?.scale_ns ?? 1e6) / 1e6;
  }

  async #write(data: Blob): Promise<void> {
    if (this.#hasFailed) return; // a hole in the file would be worse than its end
    try {
      const bytes = new Uint8Array(await data.arrayBuffer());
      this.#frames.pass(bytes);
      if (this.#head === null) await this.#put(bytes);
      else {
        this.#head = joined(this.#head, bytes);
        if (this.#head.byteLength >= HEAD_BYTES) await this.#putHead(this.#head);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#waiting_bytes -= data.size;
    }
  }

  async #complete(): Promise<void> {
    try {
      if (this.#head !== null && this.#head.byteLength > 0) await this.#putHead(this.#head);
      const sink = await this.#sink;
      const { duration_ms } = this;
      if (this.#prepared !== null && duration_ms !== null && !this.#hasFailed) {
        const { at, scale_ns } = this.#prepared;
        await sink.patch(at, durationElement(duration_ms, scale_ns));
      }
      await sink.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #putHead(head: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#head = null;
    this.#prepared = prepare(head);
    await this.#put(this.#prepared?.bytes ?? head);
  }

  async #put(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const sink = await this.#sink;
    await sink.write(bytes);
    this.#written_bytes += bytes.byteLength;
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onProblem(writeProblem(error));
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}

/** Why a file could not be opened or written, as a sentence. */
function writeProblem(error: unknown): string {
  const [kind, text] = error instanceof Error ? [error.name, error.message] : ["", String(error)];
  switch (kind) {
    case "QuotaExceededError":
      return "The recording ended: the disk is full, or the browser gives this page no more of it.";
    case "NotAllowedError":
      return "The recording ended: the browser may no longer write the file, its permission was withdrawn.";
    default:
      return `The recording ended: its file could not be written (${text || kind}).`;
  }
}
