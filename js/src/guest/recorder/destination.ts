/**
 * Where a recording ends up: in a file or folder that the person chose, or among the downloads. While it is made it is in
 * the browser's own file system, too: a chosen file gets its bytes for good only when it is closed.
 */
import { saveFile } from "./download";
import type { Format } from "./formats";
import { JSON_SUFFIX } from "./manifest";
import { DoubleSink, MemorySink, PickedSink, type Sink } from "./sink";
import { type Box, hasVault, openBox } from "./vault";

export interface Destination {
  /** What was chosen, for people to see. */
  readonly path: string;
  /** A new file; of several, `stem` tells them apart. Nothing that is there is overwritten. */
  open(stem: string, suffix: string): Promise<Sink>;
  /** All files are closed: give them to the person. Resolves with what there is to say about it, or "". */
  deliver(): Promise<string>;
  /** Nothing was recorded. */
  discard(): Promise<void>;
  /** The page goes: what is in the browser's file system stays there for the next visit. */
  close(): void;
}

/** A place that the person chose. */
interface Place {
  readonly name: string;
  open(stem: string, suffix: string): Promise<Sink>;
  discard(): Promise<void>;
}

interface Pickers {
  showSaveFilePicker?: (options: object) => Promise<FileSystemFileHandle>;
  showDirectoryPicker?: (options: object) => Promise<FileSystemDirectoryHandle>;
}

/** From a click. Null where the person was asked and chose nothing. */
export async function chooseDestination(
  kind: "file" | "folder",
  title: string,
  format: Format,
): Promise<Destination | null> {
  let place: Place | null;
  try {
    place = kind === "file" ? await pickFile(title, format) : await pickFolder(title);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return null;
    place = null; // the browser does not let this page ask: a frame of another site, or the click is long ago
  }
  return new GivenDestination(kind, title, format, place, await tryBox(title));
}

async function pickFile(title: string, { mimeType, suffix }: Format): Promise<Place | null> {
  const pick = (window as Pickers).showSaveFilePicker;
  if (pick === undefined) return null;
  const type = mimeType.split(";")[0] ?? mimeType;
  const types = [{ description: "Video", accept: { [type]: [suffix] } }];
  const handle = await pick({ suggestedName: `${title}${suffix}`, types, startIn: "videos" });
  return {
    name: handle.name,
    open: async () => new PickedSink(handle.name, await handle.createWritable()),
    discard: () => remove(handle),
  };
}

async function pickFolder(title: string): Promise<Place | null> {
  const pick = (window as Pickers).showDirectoryPicker;
  if (pick === undefined) return null;
  const chosen = await pick({ mode: "readwrite", startIn: "videos" });
  const name = await freeName(chosen, title);
  const folder = await chosen.getDirectoryHandle(name, { create: true });
  return {
    name: `${chosen.name}/${name}`,
    open: async (stem, suffix) => {
      const handle = await folder.getFileHandle(`${stem}${suffix}`, { create: true });
      return new PickedSink(handle.name, await handle.createWritable());
    },
    discard: () => remove(folder),
  };
}

/** Null where this browser has no file system of its own, or denies it. */
async function tryBox(title: string): Promise<Box | null> {
  if (!hasVault()) return null;
  try {
    return await openBox(title);
  } catch {
    return null; // a private window, or a policy of the site: memory or the chosen file must do
  }
}

interface Opened {
  readonly sink: DoubleSink;
  readonly picked: Sink | null;
  readonly kept: Sink | null;
}

export class GivenDestination implements Destination {
  readonly path: string;
  readonly #kind: "file" | "folder";
  readonly #title: string;
  readonly #type: string;
  readonly #place: Place | null;
  readonly #box: Box | null;
  readonly #opened: Opened[] = [];

  constructor(kind: "file" | "folder", title: string, format: Format, place: Place | null, box: Box | null) {
    this.#kind = kind;
    this.#title = title;
    this.#type = format.mimeType;
    this.#place = place;
    this.#box = box;
    this.path = place?.name ?? (kind === "file" ? `${title}${format.suffix}` : title);
  }

  async open(stem: string, suffix: string): Promise<Sink> {
    const name = this.#kind === "file" ? `${this.#title}${suffix}` : `${this.#title} ${stem}${suffix}`;
    // one place is enough; what is missing elsewhere is made good from it in the end
    const [picked, boxed] = await Promise.all([
      this.#place?.open(stem, suffix).catch(() => null) ?? null,
      this.#box?.open(name).catch(() => null) ?? null,
    ]);
    const kept = boxed ?? (picked === null ? new MemorySink(name) : null);
    const sinks = [picked, kept].filter((sink) => sink !== null);
    const sink = new DoubleSink(picked?.name ?? name, sinks);
    this.#opened.push({ sink, picked, kept });
    return sink;
  }

  async deliver(): Promise<string> {
    const missing = this.#opened.filter(({ sink, picked }) => picked === null || !sink.isWhole(picked));
    const files = await Promise.all(missing.map(({ kept }) => this.#file(kept)));
    const full = files.filter((file): file is File => file !== null && file.size > 0);
    for (const file of full) await saveFile(file);
    if (missing.length === 0) await this.#box?.discard();
    else await this.#box?.given();
    this.#box?.close();
    return this.#place === null || full.length === 0
      ? ""
      : `${this.#place.name} could not be written: the recording is among your downloads instead.`;
  }

  async discard(): Promise<void> {
    await this.#place?.discard();
    await this.#box?.discard();
  }

  close(): void {
    this.#box?.close();
  }

  async #file(kept: Sink | null): Promise<File | null> {
    if (kept instanceof MemorySink) {
      return kept.file(kept.name.endsWith(JSON_SUFFIX) ? "application/json" : this.#type);
    }
    return kept === null ? null : ((await this.#box?.file(kept.name)) ?? null);
  }
}

/** Where the browser can take back what it made for us. */
async function remove(handle: FileSystemHandle): Promise<void> {
  await (handle as { remove?: (options: object) => Promise<void> }).remove?.({ recursive: true });
}

async function freeName(chosen: FileSystemDirectoryHandle, title: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? title : `${title} (${number})`;
    try {
      await chosen.getDirectoryHandle(name);
    } catch (error) {
      if (error instanceof Error && error.name === "NotFoundError") return name;
      if (!(error instanceof Error) || error.name !== "TypeMismatchError") throw error; // a file has this name
    }
  }
}
