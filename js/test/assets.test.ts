import { afterEach, describe, expect, test, vi } from "vitest";
import { type AssetPiece, AssetPulls, type AssetRequest } from "../src/asset-pulls";
import { CachedAssets, NO_ASSETS } from "../src/assets";

const OLD = "segmenter-0000000000000000.wasm";
const NEW = "segmenter-1111111111111111.wasm";
const LOADER = "segmenter-loader-2222222222222222.js";

const bytesOf = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer;
const textOf = (bytes: ArrayBuffer) => new TextDecoder().decode(bytes);

/** What a browser keeps; `refuses` names the methods that reject. */
class FakeCache {
  readonly kept = new Map<string, Response>();
  refuses: readonly string[] = [];

  async match(key: string): Promise<Response | undefined> {
    this.#mayRefuse("match");
    return this.kept.get(key)?.clone();
  }
  async put(key: string, response: Response): Promise<void> {
    this.#mayRefuse("put");
    this.kept.set(key, response);
  }
  async delete(key: string): Promise<boolean> {
    return this.kept.delete(new URL(key, "http://page").pathname);
  }
  async keys(): Promise<{ url: string }[]> {
    return [...this.kept.keys()].map((path) => ({ url: `http://page${path}` }));
  }
  #mayRefuse(name: string): void {
    if (this.refuses.includes(name)) throw new DOMException("no", "QuotaExceededError");
  }
}

function browserWith(cache: FakeCache): FakeCache {
  vi.stubGlobal("caches", { open: async () => cache });
  return cache;
}

/** Says each name that it is asked for, in capitals. */
function source() {
  const asked: string[] = [];
  const fetch = async (name: string) => {
    asked.push(name);
    return bytesOf(name.toUpperCase());
  };
  return { asked, fetch };
}

afterEach(() => vi.unstubAllGlobals());

describe("assets", () => {
  test("are fetched once and then come from the browser, for the next page, too", async () => {
    browserWith(new FakeCache());
    const { asked, fetch } = source();
    expect(textOf(await new CachedAssets(fetch).load(NEW))).toBe(NEW.toUpperCase());
    expect(textOf(await new CachedAssets(fetch).load(NEW))).toBe(NEW.toUpperCase());
    expect(asked).toEqual([NEW]);
  });

  test("asked for twice at a time are fetched once, and each asker may give its bytes away", async () => {
    const { asked, fetch } = source();
    const assets = new CachedAssets(fetch);
    const [one, other] = await Promise.all([assets.load(NEW), assets.load(NEW)]);
    structuredClone(one, { transfer: [one] });
    expect(one.byteLength).toBe(0);
    expect(textOf(other)).toBe(NEW.toUpperCase());
    expect(asked).toEqual([NEW]);
  });

  test("take the place of their earlier versions, and of nothing else", async () => {
    const cache = browserWith(new FakeCache());
    const assets = new CachedAssets(source().fetch);
    for (const name of [OLD, LOADER, NEW]) await assets.load(name);
    expect([...cache.kept.keys()]).toEqual([`/nbrtc-assets/${LOADER}`, `/nbrtc-assets/${NEW}`]);
  });

  test.each(["match", "put"])("come without a cache that refuses to %s", async (method) => {
    browserWith(new FakeCache()).refuses = [method];
    const { asked, fetch } = source();
    const assets = new CachedAssets(fetch);
    for (let time = 1; time <= 2; time++) {
      expect(textOf(await assets.load(NEW))).toBe(NEW.toUpperCase());
      expect(asked).toHaveLength(time);
    }
  });

  test("come where the page may have no cache", async () => {
    vi.stubGlobal("caches", { open: () => Promise.reject(new DOMException("no", "SecurityError")) });
    expect(textOf(await new CachedAssets(source().fetch).load(NEW))).toBe(NEW.toUpperCase());
  });

  test("that could not be fetched are not kept, and are asked for again", async () => {
    const cache = browserWith(new FakeCache());
    const fetch = vi.fn(async (): Promise<ArrayBuffer> => bytesOf("it"));
    fetch.mockRejectedValueOnce(new Error("the server answered 404."));
    const assets = new CachedAssets(fetch);
    await expect(assets.load(NEW)).rejects.toThrow("the server answered 404.");
    expect(cache.kept.size).toBe(0);
    expect(textOf(await assets.load(NEW))).toBe("it");
  });

  test("of a page that has none are refused in words", async () => {
    await expect(NO_ASSETS.load(NEW)).rejects.toThrow("this page has no way to fetch it.");
  });
});

/** A kernel that hands out `whole` in pieces of `size` bytes, when told to. */
function kernel(whole: Uint8Array<ArrayBuffer>, packed: boolean, size: number) {
  const asked: AssetRequest[] = [];
  const pulls: AssetPulls = new AssetPulls((request) => asked.push(request) > 0);
  const answer = ({ id, name, offset }: AssetRequest, more: Partial<AssetPiece> = {}) => {
    const piece = whole.slice(offset, offset + size);
    // a buffer comes as a view into a larger message
    const message = new Uint8Array(piece.length + 8);
    message.set(piece, 5);
    const told = { id, name, offset, total: whole.length, packed, error: "", ...more };
    pulls.take(told, new DataView(message.buffer, 5, piece.length));
  };
  return { asked, pulls, answer };
}

async function gzipped(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("assets over the comm", () => {
  test("are pulled piece by piece, one at a time, and unpacked", async () => {
    const text = Array.from({ length: 500 }, (_, at) => `line ${at * at}`).join("\n");
    const whole = await gzipped(text);
    const { asked, pulls, answer } = kernel(whole, true, 100);
    const coming = pulls.fetch(NEW);
    for (let at = 0; at * 100 < whole.length; at++) {
      expect(asked).toHaveLength(at + 1);
      expect(asked[at]).toMatchObject({ name: NEW, offset: at * 100 });
      answer(asked[at] as AssetRequest);
    }
    expect(textOf(await coming)).toBe(text);
    expect(asked).toHaveLength(Math.ceil(whole.length / 100));
  });

  test("that are not packed come as they are", async () => {
    const { asked, pulls, answer } = kernel(new Uint8Array([1, 2, 3, 4, 5]), false, 2);
    const coming = pulls.fetch("background-3333333333333333.jpg");
    for (let at = 0; at < 3; at++) answer(asked[at] as AssetRequest);
    expect([...new Uint8Array(await coming)]).toEqual([1, 2, 3, 4, 5]);
  });

  test("of two pulls do not mix, and a piece that comes twice counts once", async () => {
    const { asked, pulls, answer } = kernel(new Uint8Array([1, 2, 3]), false, 2);
    const coming = [pulls.fetch(NEW), pulls.fetch(LOADER)];
    const [first, second] = asked as [AssetRequest, AssetRequest];
    answer(second);
    answer(first);
    answer(first);
    expect(asked.map(({ name, offset }) => [name, offset])).toEqual([
      [NEW, 0],
      [LOADER, 0],
      [LOADER, 2],
      [NEW, 2],
    ]);
    for (const request of asked.slice(2)) answer(request);
    for (const bytes of await Promise.all(coming)) expect([...new Uint8Array(bytes)]).toEqual([1, 2, 3]);
  });

  test("that the kernel refuses fail with its sentence, and may be asked for again", async () => {
    const { asked, pulls, answer } = kernel(new Uint8Array([7]), false, 2);
    const refused = pulls.fetch(NEW);
    answer(asked[0] as AssetRequest, { error: "nbrtc has no 'it' here." });
    await expect(refused).rejects.toThrow("nbrtc has no 'it' here.");
    const again = pulls.fetch(NEW);
    answer(asked[1] as AssetRequest);
    expect([...new Uint8Array(await again)]).toEqual([7]);
  });

  test("that are damaged fail, and are not half there", async () => {
    const whole = await gzipped("a text that is long enough to have a middle".repeat(20));
    whole[whole.length >> 1] = (whole[whole.length >> 1] as number) ^ 255;
    const { asked, pulls, answer } = kernel(whole, true, whole.length);
    const coming = pulls.fetch(NEW);
    answer(asked[0] as AssetRequest);
    await expect(coming).rejects.toThrow();
  });

  test("fail when the kernel sends nothing, goes, or is not there", async () => {
    const { asked, pulls, answer } = kernel(new Uint8Array([]), false, 2);
    const empty = pulls.fetch(NEW);
    answer(asked[0] as AssetRequest, { total: 9 });
    await expect(empty).rejects.toThrow("the kernel sent nothing.");
    const waiting = pulls.fetch(NEW);
    pulls.close();
    pulls.close();
    await expect(waiting).rejects.toThrow("the kernel has gone.");
    await expect(new AssetPulls(() => false).fetch(NEW)).rejects.toThrow("the kernel has gone.");
  });

  test("are not waited for for ever", async () => {
    vi.useFakeTimers();
    const { pulls } = kernel(new Uint8Array([1]), false, 2);
    const failed = expect(pulls.fetch(NEW)).rejects.toThrow("the kernel does not answer.");
    await vi.advanceTimersByTimeAsync(10 * 60 * 1000);
    await failed;
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
