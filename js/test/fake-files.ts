/** The browser's file systems in memory, as far as recordings use them, and its locks. */
import { vi } from "vitest";

const missing = (name: string) => new DOMException(`${name} is not there.`, "NotFoundError");

export class FakeFile {
  readonly kind = "file";
  bytes: number[] = [];
  modified_ms = 0;
  /** Writing fails from now on. */
  isFull = false;

  constructor(readonly name: string) {}

  async getFile(): Promise<File> {
    return new File([Uint8Array.from(this.bytes)], this.name, { lastModified: this.modified_ms });
  }
  async createWritable() {
    return {
      write: async ({ position, data }: { position: number; data: Uint8Array }) => {
        if (this.isFull) throw new DOMException("full", "QuotaExceededError");
        this.bytes.splice(position, data.length, ...data);
      },
      close: async () => undefined,
    };
  }
}

export class FakeDirectory {
  readonly kind = "directory";
  readonly inside = new Map<string, FakeFile | FakeDirectory>();

  constructor(readonly name: string) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeDirectory> {
    const known = this.inside.get(name);
    if (known instanceof FakeDirectory) return known;
    if (known !== undefined) throw new DOMException("", "TypeMismatchError");
    if (!create) throw missing(name);
    const made = new FakeDirectory(name);
    this.inside.set(name, made);
    return made;
  }
  async getFileHandle(name: string, { create = false } = {}): Promise<FakeFile> {
    const known = this.inside.get(name);
    if (known instanceof FakeFile) return known;
    if (!create) throw missing(name);
    const made = new FakeFile(name);
    made.modified_ms = Date.now();
    this.inside.set(name, made);
    return made;
  }
  async removeEntry(name: string): Promise<void> {
    if (!this.inside.delete(name)) throw missing(name);
  }
  async *keys(): AsyncIterable<string> {
    yield* [...this.inside.keys()];
  }
}

/** An origin's file system and locks, in place of the browser's. */
export function stubOrigin() {
  const root = new FakeDirectory("");
  const locks = new Set<string>();
  const request = async (name: string, _options: object, use: (held: object | null) => unknown) => {
    if (locks.has(name)) return use(null);
    locks.add(name);
    await use({});
    locks.delete(name);
  };
  vi.stubGlobal("navigator", { storage: { getDirectory: async () => root }, locks: { request } });
  vi.stubGlobal("Worker", class {});
  return { root, locks };
}

/** What the page saved among the downloads. */
export function stubDownloads(): File[] {
  const saved: File[] = [];
  const urls = new Map<string, File>();
  const make = (file: File) => {
    const url = `blob:${urls.size}`;
    urls.set(url, file);
    return url;
  };
  vi.stubGlobal("URL", { createObjectURL: make, revokeObjectURL: () => undefined });
  const link = () => {
    const made = { href: "", download: "", click: () => saved.push(urls.get(made.href) as File) };
    return made;
  };
  vi.stubGlobal("document", { createElement: link });
  return saved;
}
