/** Where a guest's recording ends up: the chosen place, the downloads, or the next visit. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chooseDestination, GivenDestination } from "../src/guest/recorder/destination";
import { MemorySink } from "../src/guest/recorder/sink";
import { type Box, leftovers } from "../src/guest/recorder/vault";
import { FakeDirectory, FakeFile, stubDownloads, stubOrigin } from "./fake-files";

const FORMAT = { mimeType: "video/webm;codecs=vp8,opus", suffix: ".webm" } as const;
const TITLE = "lab 2026-01-02 03-04-05";
const bytes = Uint8Array.of(1, 2, 3);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {}); // without a file system of its own
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Resolves with it although it waits on timers. */
async function through<T>(work: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(70_000);
  return work;
}
const refuse = (name: string) => () => Promise.reject(new DOMException("", name));

class FakeBox implements Box {
  readonly sinks = new Map<string, MemorySink>();
  end = "";
  async open(file: string) {
    const sink = new MemorySink(file);
    this.sinks.set(file, sink);
    return sink;
  }
  async file(name: string) {
    return (this.sinks.get(name) as MemorySink).file("");
  }
  async given() {
    this.end += "given ";
  }
  async discard() {
    this.end += "discarded ";
  }
  close() {
    this.end += "closed";
  }
}

describe("a destination", () => {
  test("that was chosen has the bytes; what the browser kept of them goes", async () => {
    const saved = stubDownloads();
    const handle = new FakeFile("mine.webm");
    vi.stubGlobal("window", { showSaveFilePicker: async () => handle });
    const destination = await chooseDestination("file", TITLE, FORMAT);
    const sink = await destination?.open("everybody", ".webm");
    await sink?.write(bytes);
    await sink?.close();
    expect(await destination?.deliver()).toBe("");
    expect([destination?.path, sink?.name, handle.bytes, saved]).toEqual([
      "mine.webm",
      "mine.webm",
      [1, 2, 3],
      [],
    ]);
  });

  test("that is a folder gets one of its own in there, and overwrites nothing", async () => {
    const chosen = new FakeDirectory("Videos");
    await chosen.getDirectoryHandle(TITLE, { create: true });
    await chosen.getFileHandle(`${TITLE} (2)`, { create: true });
    vi.stubGlobal("window", { showDirectoryPicker: async () => chosen });
    const destination = await chooseDestination("folder", TITLE, FORMAT);
    const sink = await destination?.open("Bob", ".webm");
    expect([destination?.path, sink?.name]).toEqual([`Videos/${TITLE} (3)`, "Bob.webm"]);
  });

  test("is null where the person chose none, and the downloads where the browser does not ask", async () => {
    const saved = stubDownloads();
    vi.stubGlobal("window", { showSaveFilePicker: refuse("AbortError") });
    expect(await chooseDestination("file", TITLE, FORMAT)).toBeNull();
    for (const window of [{ showSaveFilePicker: refuse("SecurityError") }, {}]) {
      vi.stubGlobal("window", window);
      const destination = await chooseDestination("file", TITLE, FORMAT);
      const sink = await destination?.open("everybody", ".webm");
      await sink?.write(bytes);
      await through(destination?.deliver() ?? Promise.resolve(""));
    }
    expect(saved.map(({ name, size }) => [name, size])).toEqual([
      [`${TITLE}.webm`, 3],
      [`${TITLE}.webm`, 3],
    ]);
  });

  test("that fails is made good from what the browser kept, and that is said", async () => {
    const saved = stubDownloads();
    const box = new FakeBox();
    const place = {
      name: "mine.webm",
      open: async () => ({ ...new MemorySink("mine.webm"), write: refuse("NotAllowedError") }) as never,
      discard: async () => undefined,
    };
    const destination = new GivenDestination("file", TITLE, FORMAT, place, box);
    const sink = await destination.open("everybody", ".webm");
    await sink.write(bytes);
    const note = await through(destination.deliver());
    expect(note).toBe("mine.webm could not be written: the recording is among your downloads instead.");
    expect(saved.map(({ name, size }) => [name, size])).toEqual([[`${TITLE}.webm`, 3]]);
    expect(box.end).toBe("given closed");
  });

  test("that cannot be opened is made good in the same way, and a chosen one needs no browser's", async () => {
    const saved = stubDownloads();
    const works = {
      name: "mine.webm",
      open: async () => new MemorySink("mine.webm"),
      discard: async () => undefined,
    };
    const fails = { ...works, open: refuse("NotAllowedError") };
    const broken = Object.assign(new FakeBox(), { open: refuse("QuotaExceededError") });
    const notes: string[] = [];
    for (const [place, box] of [
      [fails, new FakeBox()],
      [works, broken],
      [fails, broken],
    ] as const) {
      const destination = new GivenDestination("file", TITLE, FORMAT, place, box);
      const sink = await destination.open("everybody", ".webm");
      await sink.write(bytes);
      notes.push(await through(destination.deliver()));
    }
    const instead = "mine.webm could not be written: the recording is among your downloads instead.";
    expect(notes).toEqual([instead, "", instead]);
    expect(saved.map(({ name, size }) => [name, size])).toEqual([
      [`${TITLE}.webm`, 3],
      [`${TITLE}.webm`, 3],
    ]);
  });

  test("among the downloads gets a file for each, by name", async () => {
    const saved = stubDownloads();
    const box = new FakeBox();
    const destination = new GivenDestination("folder", TITLE, FORMAT, null, box);
    for (const stem of ["Ada", "Bob"]) {
      const sink = await destination.open(stem, ".webm");
      await sink.write(bytes);
    }
    expect(await through(destination.deliver())).toBe("");
    expect(saved.map(({ name }) => name)).toEqual([`${TITLE} Ada.webm`, `${TITLE} Bob.webm`]);
    expect([destination.path, box.end]).toEqual([TITLE, "given closed"]);
  });
});

describe("at the next visit", () => {
  async function keep(root: FakeDirectory, name: string, files: Record<string, number[]>) {
    const all = await root.getDirectoryHandle("nbrtc-recordings", { create: true });
    const folder = await all.getDirectoryHandle(name, { create: true });
    for (const [file, content] of Object.entries(files)) {
      (await folder.getFileHandle(file, { create: true })).bytes = content;
    }
    return { all, folder };
  }

  test("a folder that cannot be read keeps no other from being offered", async () => {
    const { root } = stubOrigin();
    const { folder } = await keep(root, "one", { "one.webm": [1] });
    await keep(root, "two", { "two.webm": [1] });
    folder.getFileHandle = refuse("NoModificationAllowedError");
    expect((await leftovers()).map(({ title }) => title)).toEqual(["two"]);
  });

  test("what was cut off is offered, until it is given or deleted", async () => {
    const { root, locks } = stubOrigin();
    const { all } = await keep(root, "one", { "one Ada.webm": [1, 2], "one Bob.webm": [1] });
    await keep(root, "two", { "two.webm": [1] });
    const left = await leftovers();
    expect(left.map(({ title, sizeBytes, files }) => [title, sizeBytes, files.length])).toEqual([
      ["one", 3, 2],
      ["two", 1, 1],
    ]);
    await left[0]?.given();
    await left[1]?.discard();
    expect([...all.inside.keys()]).toEqual(["one"]);
    locks.clear(); // another visit
    expect(await leftovers()).toEqual([]);
    expect([...all.inside.keys()]).toEqual(["one"]); // its download may go on still
    vi.advanceTimersByTime(3_600_001);
    locks.clear();
    expect(await leftovers()).toEqual([]);
    expect([...all.inside.keys()]).toEqual([]);
  });

  test("a recording that another tab makes is left alone, and an empty one is cleared", async () => {
    const { root, locks } = stubOrigin();
    const { all } = await keep(root, "busy", { "busy.webm": [1] });
    await keep(root, "empty", { "empty.webm": [] });
    locks.add("nbrtc-recording busy");
    expect(await leftovers()).toEqual([]);
    expect([...all.inside.keys()]).toEqual(["busy"]);
  });
});
