/**
 * The browser's own file system as the place where a recording is safe while it is made: what was written stays through
 * a crash of the tab, and is offered at the next visit. Files leave it by a download or with the person's own file.
 */
import type { Sink } from "./sink";
import type { FromWorker, Path, ToWorker } from "./worker";
import { type RecorderWorker, startWorker } from "./worker-handle";

/** A download may go on after its page: so long its files stay. */
const DOWNLOADING_MS = 3_600_000;
/** Where recordings lie in the origin's file system. */
const FOLDER = "nbrtc-recordings";
/** In a recording's folder: its files were given to the person, and the next visit clears them away. */
const GIVEN = "given";

/** A recording that was not given to anybody. */
export interface Leftover {
  readonly title: string;
  readonly files: readonly File[];
  readonly sizeBytes: number;
  /** The files are the person's now: no longer offered, and gone at a later visit. */
  readonly given: () => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** One recording's folder; locked, so that other tabs leave it alone. */
export interface Box {
  open(file: string): Promise<Sink>;
  file(name: string): Promise<File>;
  given(): Promise<void>;
  discard(): Promise<void>;
  /** Nothing is written any more; the files stay, and are ours until the page goes. */
  close(): void;
}

export function hasVault(): boolean {
  return (
    typeof navigator.storage?.getDirectory === "function" &&
    typeof navigator.locks?.request === "function" &&
    typeof Worker === "function"
  );
}

/** A new folder of this title. Rejects where the browser has no such file system, or denies it. */
export async function openBox(title: string): Promise<Box> {
  const all = await folder();
  const [name, release] = await freeName(all, title);
  let disk: Disk;
  try {
    await all.getDirectoryHandle(name, { create: true });
    disk = new Disk(startWorker());
  } catch (error) {
    release();
    throw error;
  }
  const own = () => all.getDirectoryHandle(name);
  return {
    open: async (file) => {
      const path = { folders: [FOLDER, name], file };
      await disk.ask({ type: "open", path });
      return new BoxSink(disk, path);
    },
    file: async (file) => (await (await own()).getFileHandle(file)).getFile(),
    given: async () => void (await (await own()).getFileHandle(GIVEN, { create: true })),
    discard: async () => {
      disk.close();
      await all.removeEntry(name, { recursive: true });
      release();
    },
    close: () => disk.close(),
  };
}

/** What earlier visits left behind; what they gave away already, or never wrote, is cleared. */
export async function leftovers(): Promise<readonly Leftover[]> {
  const all = await folder();
  const left: Leftover[] = [];
  for (const name of await names(all)) {
    const release = await lock(name);
    if (release === null) continue; // another tab's, which is at work
    try {
      const found = await leftover(all, name, release);
      if (found !== null) left.push(found);
    } catch {
      release(); // what cannot be read now keeps no other from being offered, and stays for a later visit
    }
  }
  return left;
}

/** What is in the folder of this name, which is locked; null where it is nobody's any more. */
async function leftover(
  all: FileSystemDirectoryHandle,
  name: string,
  release: () => void,
): Promise<Leftover | null> {
  const own = await all.getDirectoryHandle(name);
  const inside = await names(own);
  const discard = async () => {
    await all.removeEntry(name, { recursive: true });
    release();
  };
  const files = await Promise.all(inside.map(async (file) => (await own.getFileHandle(file)).getFile()));
  const given = files.find((file) => file.name === GIVEN);
  const full = files.filter(({ size }) => size > 0);
  if (given !== undefined || full.length === 0) {
    if (given === undefined || Date.now() - given.lastModified > DOWNLOADING_MS) await discard();
    else release();
    return null;
  }
  return {
    title: name,
    files: full,
    sizeBytes: full.reduce((sum, { size }) => sum + size, 0),
    given: async () => void (await own.getFileHandle(GIVEN, { create: true })),
    discard,
  };
}

class BoxSink implements Sink {
  readonly name: string;
  readonly #disk: Disk;
  readonly #path: Path;
  #closed: Promise<void> | null = null;

  constructor(disk: Disk, path: Path) {
    this.#disk = disk;
    this.#path = path;
    this.name = path.file;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#disk.ask({ type: "write", path: this.#path, at: null, bytes });
  }

  patch(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#disk.ask({ type: "write", path: this.#path, at, bytes });
  }

  close(): Promise<void> {
    this.#closed ??= this.#disk.ask({ type: "close", path: this.#path });
    return this.#closed;
  }
}

type Asked<T> = T extends { readonly id: number } ? Omit<T, "id"> : never;

/** The worker that writes, and what it was asked. */
class Disk {
  readonly #worker: RecorderWorker;
  readonly #asked = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #ids = 0;
  #isClosed = false;

  constructor(worker: RecorderWorker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = () => this.close();
  }

  ask(request: Asked<ToWorker>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new DOMException("The browser ended the worker that writes.", "AbortError"));
        return;
      }
      const id = ++this.#ids;
      this.#asked.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#worker.terminate();
    const error = new DOMException("The browser ended the worker that writes.", "AbortError");
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }

  #hear(message: FromWorker): void {
    if (message.type === "tick") return;
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.type === "done") asked?.resolve();
    else asked?.reject(new DOMException(message.text, message.name));
  }
}

async function folder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

async function names(directory: FileSystemDirectoryHandle): Promise<readonly string[]> {
  const found: string[] = [];
  const entries = directory as unknown as { keys(): AsyncIterable<string> };
  for await (const name of entries.keys()) found.push(name);
  return found.sort();
}

/** A name that no folder has and no other tab is about to take, and what lets go of it. */
async function freeName(
  all: FileSystemDirectoryHandle,
  title: string,
): Promise<readonly [name: string, release: () => void]> {
  const taken = new Set(await names(all));
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? title : `${title} (${number})`;
    const release = taken.has(name) ? null : await lock(name);
    if (release !== null) return [name, release];
  }
}

/** Held until it is released or the page goes, whichever way; null where somebody else holds it. */
function lock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`nbrtc-recording ${name}`, { ifAvailable: true }, (held) => {
        if (held === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
