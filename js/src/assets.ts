/**
 * Parts of the page that are large and seldom needed, such as what tells a person from the background: fetched when they
 * are, and kept by the browser. A name belongs to one content for ever (it carries a hash), so that nothing old is used.
 */

export interface Assets {
  /** Rejects with a sentence. Asking again tries again. */
  load(name: string): Promise<ArrayBuffer>;
  /** Where a script can be loaded from directly, as a URL; null where it has to be loaded and run from its text. */
  base(): string | null;
}

export const NO_ASSETS: Assets = {
  base: () => null,
  load: () => Promise.reject(new Error("this page has no way to fetch it.")),
};

const CACHE = "nbrtc-assets";

/** Keeps what `fetch` brings, over reloads where the browser can, and asks for each thing once at a time. */
export class CachedAssets implements Assets {
  readonly #base: string | null;
  readonly #fetch: (name: string) => Promise<ArrayBuffer>;
  readonly #loading = new Map<string, Promise<ArrayBuffer>>();

  constructor(fetch: (name: string) => Promise<ArrayBuffer>, base: string | null = null) {
    this.#fetch = fetch;
    this.#base = base;
  }

  base(): string | null {
    return this.#base;
  }

  async load(name: string): Promise<ArrayBuffer> {
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#load(name).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return (await loading).slice(0); // each asker's own: it may be given away to a worker
  }

  async #load(name: string): Promise<ArrayBuffer> {
    const cache = await opened();
    const kept = await found(cache, name);
    if (kept !== null) return kept;
    const bytes = await this.#fetch(name);
    await keep(cache, name, bytes);
    return bytes;
  }
}

/** Null where the browser has no cache or does not let this page have one. */
async function opened(): Promise<Cache | null> {
  if (typeof caches === "undefined") return null;
  return caches.open(CACHE).catch(() => null);
}

/** Null also where it is there but cannot be read: then it is fetched as if it were not. */
async function found(cache: Cache | null, name: string): Promise<ArrayBuffer | null> {
  try {
    return (await (await cache?.match(keyOf(name)))?.arrayBuffer()) ?? null;
  } catch {
    return null;
  }
}

/** Keep it in the place of its earlier versions. A full disk is no reason to fail: it is fetched again next time. */
async function keep(cache: Cache | null, name: string, bytes: ArrayBuffer): Promise<void> {
  if (cache === null) return;
  try {
    for (const { url } of await cache.keys()) {
      if (familyOf(new URL(url).pathname) === familyOf(keyOf(name))) await cache.delete(url);
    }
    await cache.put(keyOf(name), new Response(bytes));
  } catch {
    await cache.delete(keyOf(name)).catch(() => false);
  }
}

function keyOf(name: string): string {
  return `/nbrtc-assets/${name}`;
}

/** `segmenter-0123456789abcdef.wasm` without its hash. */
function familyOf(path: string): string {
  return path.replace(/-[0-9a-f]{16}(?=\.\w+$)/, "");
}
