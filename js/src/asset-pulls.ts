/** Assets over the widget's comm: pulled piece by piece, so that no message is large and nothing piles up. */

/** What the kernel answers with, beside the piece's bytes. */
export interface AssetPiece {
  readonly id: string;
  readonly name: string;
  readonly offset: number;
  readonly total: number;
  /** Whether the whole is packed with gzip. */
  readonly packed: boolean;
  /** Why there is none, as a sentence; else empty. */
  readonly error: string;
}

export interface AssetRequest {
  readonly id: string;
  readonly name: string;
  readonly offset: number;
}

/** A kernel that runs a cell may answer only after it. */
const PATIENCE_MS = 10 * 60 * 1000;

interface Pull {
  readonly name: string;
  readonly pieces: Uint8Array<ArrayBuffer>[];
  received: number;
  readonly resolve: (bytes: ArrayBuffer) => void;
  readonly reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class AssetPulls {
  readonly #ask: (request: AssetRequest) => boolean;
  readonly #pulls = new Map<string, Pull>();
  #last = 0;

  /** `ask` returns false where nobody is behind the comm. */
  constructor(ask: (request: AssetRequest) => boolean) {
    this.#ask = ask;
  }

  /** Rejects with a sentence. */
  fetch(name: string): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      const id = String(++this.#last);
      const timer = setTimeout(() => this.#end(id, "the kernel does not answer."), PATIENCE_MS);
      this.#pulls.set(id, { name, pieces: [], received: 0, resolve, reject, timer });
      this.#next(id);
    });
  }

  take(piece: AssetPiece, bytes: DataView | undefined): void {
    const pull = this.#pulls.get(piece.id);
    if (pull === undefined || piece.offset !== pull.received) return;
    if (piece.error !== "" || bytes === undefined || (bytes.byteLength === 0 && piece.total > 0)) {
      this.#end(piece.id, piece.error || "the kernel sent nothing.");
      return;
    }
    pull.pieces.push(new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength));
    pull.received += bytes.byteLength;
    if (pull.received < piece.total) {
      this.#next(piece.id);
      return;
    }
    this.#pulls.delete(piece.id);
    clearTimeout(pull.timer);
    unpacked(new Blob(pull.pieces), piece.packed).then(pull.resolve, pull.reject);
  }

  /** Whoever waits is told that nothing comes. */
  close(): void {
    for (const id of [...this.#pulls.keys()]) this.#end(id, "the kernel has gone.");
  }

  #next(id: string): void {
    const pull = this.#pulls.get(id);
    if (pull === undefined) return;
    if (!this.#ask({ id, name: pull.name, offset: pull.received })) this.#end(id, "the kernel has gone.");
  }

  #end(id: string, why: string): void {
    const pull = this.#pulls.get(id);
    if (pull === undefined) return;
    this.#pulls.delete(id);
    clearTimeout(pull.timer);
    pull.reject(new Error(why));
  }
}

async function unpacked(whole: Blob, packed: boolean): Promise<ArrayBuffer> {
  if (!packed) return whole.arrayBuffer();
  return new Response(whole.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
