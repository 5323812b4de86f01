/**
 * Reading a recording's files from the engine: each read is asked on the link or, without one, by the comm, and again
 * until it is answered. Notebook servers throw away what a comm brings faster than 1 MB/s, other messages with it, so
 * that reads take turns there.
 */
import { newId } from "./ids";
import type { Intent, ReadRecording, RecordingChunk, Reply } from "./messages";
import { RefusedError } from "./requests";

/** Asked and not answered yet, of all files together; the others wait in the order in which they came. */
export const AHEAD = 4;
/** Between two reads by the comm: 0.65 MB/s of base64. */
export const REST_MS = 200;
export const ASK_AGAIN_MS = 2000;
/** A kernel may be busy for a while, and only it brings what the comm carries. */
export const READ_PATIENCE_MS = 120_000;

interface Read {
  readonly request: ReadRecording;
  readonly resolve: (chunk: RecordingChunk) => void;
  readonly reject: (error: Error) => void;
  /** Its signal need not end it any more. */
  readonly forget: () => void;
  /** When it was asked first. */
  began_ms: number | null;
  pause_ms: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** What is needed of the `Post`. */
export interface ReadsPost {
  /** False without an open link. */
  sendByLink(intent: Intent): boolean;
  sendByComm(intent: Intent): void;
}

export class Reads {
  readonly #post: ReadsPost;
  #waiting: Read[] = [];
  readonly #asked = new Map<string, Read>();
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(post: ReadsPost) {
    this.#post = post;
  }

  /** Rejects with the engine's reason, when nobody answers, or when `signal` aborts. */
  read(recording: string, file: string, offset: number, signal: AbortSignal): Promise<RecordingChunk> {
    return new Promise((resolve, reject) => {
      const request: ReadRecording = { type: "read-recording", id: newId(), recording, file, offset };
      const abort = () => {
        this.#end(request.id)?.reject(new RefusedError("abandoned", "It was stopped."));
        queueMicrotask(() => this.#ask()); // once all reads of this signal have gone
      };
      this.#waiting.push({
        request,
        resolve,
        reject,
        // a large file has very many reads, and one signal: none of them may stay with it
        forget: () => signal.removeEventListener("abort", abort),
        began_ms: null,
        pause_ms: ASK_AGAIN_MS,
        timer: undefined,
      });
      if (signal.aborted) abort();
      else {
        signal.addEventListener("abort", abort, { once: true });
        this.#ask();
      }
    });
  }

  take(chunk: RecordingChunk): void {
    this.#end(chunk.id)?.resolve(chunk); // unknown where both copies of a read were answered
    this.#ask();
  }

  /** A reply that may be to one of these reads. */
  settle(reply: Reply): void {
    if (reply.errorCode === null) return;
    this.#end(reply.id)?.reject(new RefusedError(reply.errorCode, reply.errorMessage ?? "Python refused."));
    this.#ask();
  }

  /** There is a new link: what was asked on an old one may never be answered. */
  again(): void {
    for (const read of [...this.#asked.values()].reverse()) {
      read.pause_ms = ASK_AGAIN_MS;
      this.#putBack(read);
    }
    this.#ask();
  }

  /** Ask for as much as may be asked for now. */
  #ask(): void {
    while (this.#asked.size < AHEAD) {
      const read = this.#waiting.shift();
      if (read === undefined) return;
      if (!this.#post.sendByLink(read.request)) {
        if (this.#asked.size > 0 || this.#rest !== undefined) {
          this.#waiting.unshift(read);
          return;
        }
        this.#rest = setTimeout(() => {
          this.#rest = undefined;
          this.#ask();
        }, REST_MS);
        this.#post.sendByComm(read.request);
      }
      this.#watch(read);
    }
  }

  #watch(read: Read): void {
    const { id } = read.request;
    read.began_ms ??= performance.now();
    this.#asked.set(id, read);
    read.timer = setTimeout(() => this.#unanswered(read), read.pause_ms);
    read.pause_ms *= 2;
  }

  #unanswered(read: Read): void {
    if (performance.now() - (read.began_ms ?? 0) >= READ_PATIENCE_MS) {
      const text = "Python does not answer. Is the kernel running?";
      this.#end(read.request.id)?.reject(new RefusedError("no-answer", text));
    } else this.#putBack(read);
    this.#ask();
  }

  #putBack(read: Read): void {
    clearTimeout(read.timer);
    this.#asked.delete(read.request.id);
    this.#waiting.unshift(read);
  }

  #end(id: string): Read | undefined {
    const read = this.#asked.get(id) ?? this.#waiting.find(({ request }) => request.id === id);
    clearTimeout(read?.timer);
    read?.forget();
    this.#asked.delete(id);
    this.#waiting = this.#waiting.filter((each) => each !== read);
    return read;
  }
}
