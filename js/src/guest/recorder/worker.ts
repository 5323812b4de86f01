/**
 * The recorder's worker, for two things that only a worker can: timers that go on in a hidden tab, and files of the
 * origin private file system that are on the disk after each write (fs, section 2.6), so that a crash takes nothing that
 * was written. One worker does one of them, so that a slow disk does not hold up the picture.
 */

/** Page to worker. */
export type ToWorker =
  | { readonly type: "tick"; readonly interval_ms: number }
  /** The last tick was dealt with. */
  | { readonly type: "ticked" }
  | { readonly type: "open"; readonly id: number; readonly path: Path }
  | {
      readonly type: "write";
      readonly id: number;
      readonly path: Path;
      /** Null: behind what is there. */
      readonly at: number | null;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: "close"; readonly id: number; readonly path: Path };

/** Folders of the origin's file system, and a file in the last of them. */
export interface Path {
  readonly folders: readonly string[];
  readonly file: string;
}

/** Worker to page. */
export type FromWorker =
  | { readonly type: "tick" }
  | { readonly type: "done"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly name: string; readonly text: string };

interface Access {
  getSize(): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

interface Opener {
  createSyncAccessHandle(): Promise<Access>;
}

interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = self as unknown as WorkerScope;
const files = new Map<string, Access>();
/** One after the other, in the order in which they came. */
let work: Promise<void> = Promise.resolve();

/** At most one tick is on its way: a page that is slow gets fewer of them, not all at once. */
let isAwaited = true;

scope.onmessage = ({ data }) => {
  if (data.type === "tick") setInterval(tick, data.interval_ms);
  else if (data.type === "ticked") isAwaited = true;
  else work = work.then(() => carryOut(data));
};

function tick(): void {
  if (!isAwaited) return;
  isAwaited = false;
  scope.postMessage({ type: "tick" });
}

async function carryOut(message: Exclude<ToWorker, { type: "tick" | "ticked" }>): Promise<void> {
  const { id, path } = message;
  const key = [...path.folders, path.file].join("/");
  try {
    if (message.type === "open") files.set(key, await open(path));
    else if (message.type === "write") write(files.get(key), message.bytes, message.at);
    else {
      files.get(key)?.close();
      files.delete(key);
    }
    scope.postMessage({ type: "done", id });
  } catch (error) {
    const { name, message: text } = error instanceof Error ? error : new Error(String(error));
    scope.postMessage({ type: "failed", id, name, text });
  }
}

async function open({ folders, file }: Path): Promise<Access> {
  let folder = await navigator.storage.getDirectory();
  for (const name of folders) folder = await folder.getDirectoryHandle(name, { create: true });
  const handle = await folder.getFileHandle(file, { create: true });
  return (handle as unknown as Opener).createSyncAccessHandle();
}

function write(access: Access | undefined, bytes: Uint8Array, at: number | null): void {
  if (access === undefined) throw new DOMException("The file is not open.", "InvalidStateError");
  const from = at ?? access.getSize();
  const written = access.write(bytes, { at: from });
  if (written < bytes.byteLength) {
    throw new DOMException(
      `Only ${written} of ${bytes.byteLength} bytes could be written.`,
      "QuotaExceededError",
    );
  }
  access.flush();
}
