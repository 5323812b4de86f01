/** What goes into the tap's data channel, and what waits in front of it: bounded, sound before pictures. */
import { CHUNK_BYTES, chunk, chunkCount, type TapFrame } from "./format";

/** At most this is in the channel, which cannot be taken back. */
export const BUFFERED_BYTES = 64 * 1024;
/** Pictures that wait for the channel: beyond either bound the newest is refused. */
export const WAITING_BYTES = 256 * 1024;
export const WAITING_MS = 500;
/** A second of sound; the oldest goes first. */
export const WAITING_SOUNDS = 50;

/** The data channel, or what stands for it where the channel cannot come into the worker. */
export interface Pipe {
  readonly isOpen: boolean;
  readonly bufferedAmount: number;
  send(message: Uint8Array<ArrayBuffer>): void;
}

interface Waiting {
  readonly frame: TapFrame;
  readonly since_ms: number;
  sentChunks: number;
}

/** The way to Python, shared by everybody's frames. Whoever owns the pipe calls `pump` when it drains. */
export class Outlet {
  readonly #now: () => number;
  #pipe: Pipe | null = null;
  #sounds: Waiting[] = [];
  #pictures: Waiting[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Go on with another pipe; what waited for the one before means nothing to it. */
  use(pipe: Pipe | null): void {
    this.#pipe = pipe;
    this.#sounds = [];
    this.#pictures = [];
  }

  get isOpen(): boolean {
    return this.#pipe?.isOpen === true;
  }

  /** No picture waits, so that a keyframe would arrive while it is new. */
  get isIdle(): boolean {
    return this.#pictures.length === 0;
  }

  /** Send a frame now or soon. False if it was refused: then none that needs it may follow. */
  send(frame: TapFrame): boolean {
    if (!this.isOpen) return false;
    const waiting: Waiting = { frame, since_ms: this.#now(), sentChunks: 0 };
    if (frame.kind === "audio") {
      this.#sounds.push(waiting);
      if (this.#sounds.length > WAITING_SOUNDS) this.#sounds.shift();
    } else {
      // a single picture may be larger than the bound, else a large one would never arrive
      if (this.#isFull(frame.data.byteLength)) return false;
      this.#pictures.push(waiting);
    }
    this.pump();
    return true;
  }

  /** Forget the pictures of somebody that have not begun; what has begun is finished. */
  drop(participant: string): void {
    this.#pictures = this.#pictures.filter(
      (waiting) => waiting.sentChunks > 0 || waiting.frame.participant !== participant,
    );
  }

  /** Fill the pipe again. */
  pump(): void {
    const pipe = this.#pipe;
    while (pipe?.isOpen && pipe.bufferedAmount + CHUNK_BYTES <= BUFFERED_BYTES) {
      const queue = this.#sounds.length > 0 ? this.#sounds : this.#pictures;
      const next = queue[0];
      if (next === undefined) return;
      pipe.send(chunk(next.frame, next.sentChunks++));
      if (next.sentChunks === chunkCount(next.frame)) queue.shift();
    }
  }

  #isFull(bytes: number): boolean {
    const first = this.#pictures[0];
    if (first === undefined) return false;
    const waiting = this.#pictures.reduce((sum, { frame }) => sum + frame.data.byteLength, bytes);
    return waiting > WAITING_BYTES || this.#now() - first.since_ms > WAITING_MS;
  }
}
