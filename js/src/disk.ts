/**
 * Where a file goes that the page saves: written as it comes where the browser can, else collected and handed over
 * whole. The link that hands it over is the one element made outside `ui/`: nobody sees it.
 */

export interface Destination {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** All of it was written. */
  finish(): Promise<void>;
  /** It is not wanted any more: what was written of it goes. */
  discard(): Promise<void>;
}

/** File System Access API, which only Chromium has; `remove` is newer than the rest. */
interface Handle extends FileSystemFileHandle {
  readonly remove?: () => Promise<void>;
}
type Picker = (options: { readonly suggestedName: string }) => Promise<Handle>;

/** From a click: ask where to, if the browser can write there. Null where the person chose no place. */
export async function chooseDestination(name: string): Promise<Destination | null> {
  const { showSaveFilePicker: pick } = globalThis as { readonly showSaveFilePicker?: Picker };
  if (pick === undefined) return new Collected(name);
  try {
    return await onDisk(await pick({ suggestedName: name }));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    // no way to a disk of its own: in a frame of another origin, by a policy, on a disk that is read-only
    return new Collected(name);
  }
}

async function onDisk(handle: Handle): Promise<Destination> {
  // a file that was there before keeps its bytes until the new ones are complete
  const isNew = (await handle.getFile()).size === 0;
  const stream = await handle.createWritable();
  return {
    write: (bytes) => stream.write(bytes),
    finish: () => stream.close(),
    discard: async () => {
      await stream.abort();
      if (isNew) await handle.remove?.();
    },
  };
}

/** So many bytes become one `Blob`, which the browser may keep on its disk. */
const BLOB_BYTES = 8 * 1024 * 1024;
/** A download that has begun keeps its bytes; how soon it begins, nobody tells. */
const KEPT_MS = 60_000;

class Collected implements Destination {
  readonly #name: string;
  #blobs: Blob[] = [];
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;

  constructor(name: string) {
    this.#name = name;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= BLOB_BYTES) this.#fold();
  }

  async finish(): Promise<void> {
    this.#fold();
    const url = URL.createObjectURL(new Blob(this.#blobs, { type: "application/octet-stream" }));
    this.#blobs = [];
    const link = document.createElement("a");
    link.href = url;
    link.download = this.#name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  }

  async discard(): Promise<void> {
    this.#blobs = [];
    this.#parts = [];
  }

  #fold(): void {
    this.#blobs.push(new Blob(this.#parts));
    this.#parts = [];
    this.#size = 0;
  }
}
