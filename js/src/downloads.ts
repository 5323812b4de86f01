/** Saving a recording's files to this person's disk: in pieces, of any size, whatever becomes of the link meanwhile. */
import { type Signal, signal } from "@preact/signals";
import type { Download } from "./contract";
import { chooseDestination, type Destination } from "./disk";
import type { Notices } from "./notices";
import { AHEAD, type Reads } from "./reads";

export interface DownloadsOptions {
  readonly reads: Reads;
  readonly notices: Notices;
  /** How large the file is as far as the page knows; 0 if it does not. */
  readonly sizeOf: (recording: string, file: string) => number;
}

const keyOf = (recording: string, file: string): string => `${recording} ${file}`;

export class Downloads {
  readonly items: Signal<readonly Download[]> = signal([]);
  readonly #options: DownloadsOptions;
  /** Those that run, and those whose place the person is asked for. */
  readonly #running = new Map<string, AbortController>();

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  /** From a click. Resolves when it is saved, was stopped, or failed, which a notice says. */
  async save(recording: string, file: string): Promise<void> {
    const key = keyOf(recording, file);
    if (this.#running.has(key)) return;
    const ended = new AbortController();
    this.#running.set(key, ended);
    this.#options.notices.dismiss(`download:${key}`);
    try {
      const to = await chooseDestination(file);
      if (to !== null) await this.#fill(to, recording, file, ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) this.#tell(recording, file, error);
    } finally {
      ended.abort(); // reads that nobody waits for any more
      this.#running.delete(key);
      this.#forget(recording, file);
    }
  }

  /** What was saved of it goes. */
  cancel(recording: string, file: string): void {
    this.#running.get(keyOf(recording, file))?.abort();
  }

  /** Idempotent. */
  close(): void {
    for (const ended of this.#running.values()) ended.abort();
  }

  async #fill(to: Destination, recording: string, file: string, signal: AbortSignal): Promise<void> {
    try {
      const size = this.#options.sizeOf(recording, file);
      this.#forget(recording, file);
      this.items.value = [...this.items.value, { recording, file, sizeBytes: size, receivedBytes: 0 }];
      await this.#copy(to, recording, file, signal);
      signal.throwIfAborted();
      await to.finish();
    } catch (error) {
      await to.discard();
      throw error;
    }
  }

  async #copy(to: Destination, recording: string, file: string, signal: AbortSignal): Promise<void> {
    let size: number | null = null;
    const read = async (offset: number): Promise<Uint8Array<ArrayBuffer>> => {
      const { sizeBytes, data } = await this.#options.reads.read(recording, file, offset, signal);
      size ??= sizeBytes;
      if (sizeBytes !== size) {
        throw new Error(`The file changed meanwhile: it had ${size} bytes and has ${sizeBytes} now.`);
      }
      return bytesOf(data);
    };
    /** The engine says how much it gives at once, and may give less. */
    const readTo = async (end: number, offset: number): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = new Uint8Array(end - offset);
      for (let at = offset; at < end; ) {
        const part = (await read(at)).subarray(0, end - at);
        if (part.length === 0) throw new Error(`The file ends after ${at} of its ${size} bytes.`);
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    };
    const keep = async (bytes: Uint8Array<ArrayBuffer>, until: number): Promise<void> => {
      await to.write(bytes);
      this.#received(recording, file, until, size ?? 0);
    };

    const first = await read(0);
    const whole = size ?? 0;
    const step = first.length;
    if (step === 0 && whole > 0) throw new Error(`The file has ${whole} bytes, and none of them came.`);
    if (step > 0) await keep(first, step);
    const ahead: Promise<Uint8Array<ArrayBuffer>>[] = [];
    let next = step;
    for (let at = step; at < whole; at += step) {
      for (; ahead.length < AHEAD && next < whole; next += step) {
        const part = readTo(Math.min(next + step, whole), next);
        part.catch(() => {}); // heard below, when its turn comes; the browser must not think nobody does
        ahead.push(part);
      }
      const bytes = await (ahead.shift() as Promise<Uint8Array<ArrayBuffer>>);
      await keep(bytes, at + bytes.length);
    }
  }

  #received(recording: string, file: string, receivedBytes: number, sizeBytes: number): void {
    this.items.value = this.items.value.map((each) =>
      each.recording === recording && each.file === file ? { ...each, receivedBytes, sizeBytes } : each,
    );
  }

  #forget(recording: string, file: string): void {
    this.items.value = this.items.value.filter((each) => each.recording !== recording || each.file !== file);
  }

  #tell(recording: string, file: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const text = `${file} could not be saved. ${why}`;
    this.#options.notices.tell(`download:${keyOf(recording, file)}`, "error", text);
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
