/** Where the bytes of one file go. */

export interface Sink {
  readonly name: string;
  /** Appends; resolves when the bytes are out of this page's hands. Rejects where they cannot be written. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes over bytes that were written. */
  patch(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The file is complete. Idempotent. */
  close(): Promise<void>;
}

/** A file that the person chose. */
export class PickedSink implements Sink {
  readonly #stream: FileSystemWritableFileStream;
  #end = 0;
  #closed = false;

  constructor(
    readonly name: string,
    stream: FileSystemWritableFileStream,
  ) {
    this.#stream = stream;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#stream.write({ type: "write", position: this.#end, data: bytes });
    this.#end += bytes.byteLength;
  }

  async patch(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#stream.write({ type: "write", position: at, data: bytes });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#stream.close();
  }
}

/** Memory: where the browser has no other place, and only there, because an hour is a gigabyte. */
export class MemorySink implements Sink {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];

  constructor(readonly name: string) {}

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(bytes);
  }

  async patch(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let from = 0;
    for (const part of this.#parts) {
      if (at >= from && at + bytes.byteLength <= from + part.byteLength) {
        part.set(bytes, at - from);
        return;
      }
      from += part.byteLength;
    }
    throw new RangeError(`Bytes ${at} to ${at + bytes.byteLength} were not written in one piece.`);
  }

  async close(): Promise<void> {}

  file(type: string): File {
    return new File(this.#parts, this.name, { type });
  }
}

/** The same bytes to several places, as long as one of them takes them. */
export class DoubleSink implements Sink {
  readonly #sinks: readonly Sink[];
  readonly #failed = new Map<Sink, unknown>();

  constructor(
    readonly name: string,
    sinks: readonly Sink[],
  ) {
    this.#sinks = sinks;
  }

  /** Whether everything that was written is in there. */
  isWhole(sink: Sink): boolean {
    return this.#sinks.includes(sink) && !this.#failed.has(sink);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#each((sink) => sink.write(bytes));
  }

  patch(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#each((sink) => sink.patch(at, bytes));
  }

  close(): Promise<void> {
    return this.#each((sink) => sink.close());
  }

  async #each(act: (sink: Sink) => Promise<void>): Promise<void> {
    const whole = this.#sinks.filter((sink) => !this.#failed.has(sink));
    const results = await Promise.allSettled(whole.map(act));
    results.forEach((result, index) => {
      const sink = whole[index];
      if (result.status === "rejected" && sink !== undefined) this.#failed.set(sink, result.reason);
    });
    if (this.#failed.size === this.#sinks.length) throw [...this.#failed.values()].at(-1);
  }
}
