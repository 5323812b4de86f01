// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Downloads } from "../src/downloads";
import type { ReadRecording } from "../src/messages";
import { Notices } from "../src/notices";
import { AHEAD, ASK_AGAIN_MS, READ_PATIENCE_MS, REST_MS, Reads } from "../src/reads";
import { settled } from "./fake-page";

let byLink: ReadRecording[];
let byComm: ReadRecording[];
let isLinked: boolean;
let reads: Reads;
let notices: Notices;
let downloads: Downloads;

beforeEach(() => {
  vi.useFakeTimers();
  byLink = [];
  byComm = [];
  isLinked = true;
  reads = new Reads({
    sendByLink: (intent) => {
      if (isLinked) byLink.push(intent as ReadRecording);
      return isLinked;
    },
    sendByComm: (intent) => void byComm.push(intent as ReadRecording),
  });
  notices = new Notices();
  downloads = new Downloads({ reads, notices, sizeOf: () => 0 });
});
afterEach(() => {
  downloads.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A file on a disk, as the File System Access API has it. */
class FakeFile {
  before = 0;
  written: number[] = [];
  state: "open" | "closed" | "aborted" | "removed" = "open";
  isFull = false;
  suggestedName = "";
  /** What keeps the disk from taking more. */
  slow: Promise<void> | null = null;

  install(): void {
    const stream = {
      write: async (bytes: Uint8Array) => {
        if (this.isFull) throw new DOMException("The disk is full.", "QuotaExceededError");
        await this.slow;
        this.written.push(...bytes);
      },
      close: async () => {
        this.state = "closed";
      },
      abort: async () => {
        this.state = "aborted";
      },
    };
    vi.stubGlobal("showSaveFilePicker", async ({ suggestedName }: { suggestedName: string }) => {
      this.suggestedName = suggestedName;
      return {
        getFile: async () => ({ size: this.before }),
        createWritable: async () => stream,
        remove: async () => {
          this.state = "removed";
        },
      };
    });
  }
}

const bytes = (size: number) => Uint8Array.from({ length: size }, (_, at) => (at * 7) % 251);
const give = (id: string, sizeBytes: number, part: Uint8Array) =>
  reads.take({ type: "recording-chunk", id, sizeBytes, data: btoa(String.fromCharCode(...part)) });
const offsets = () => byLink.map(({ offset }) => offset);

/** Answer reads by the link until nothing new is asked, with at most `most` bytes each. */
async function serve(file: Uint8Array, most: (read: ReadRecording) => number): Promise<void> {
  for (let at = 0; at < byLink.length; at += 1) {
    const read = byLink[at] as ReadRecording;
    give(read.id, file.length, file.subarray(read.offset, read.offset + most(read)));
    await settled();
  }
}

describe("a file on its way to the disk", () => {
  test("is written as it comes, in order, whatever order it comes in", async () => {
    const disk = new FakeFile();
    disk.install();
    const file = bytes(1050);
    const saving = downloads.save("r", "a.mkv");
    await settled();
    give(byLink[0]?.id ?? "", 1050, file.subarray(0, 100));
    await settled();
    expect(offsets()).toEqual([0, 100, 200, 300, 400]);
    for (const at of [4, 3, 2]) {
      const { id, offset } = byLink[at] as ReadRecording;
      give(id, 1050, file.subarray(offset, offset + 100));
    }
    await settled();
    expect(disk.written).toHaveLength(100);
    expect(byLink).toHaveLength(1 + AHEAD); // no more than that is kept in memory
    for (let at = 1; at < byLink.length; at += 1) {
      const { id, offset } = byLink[at] as ReadRecording;
      give(id, 1050, file.subarray(offset, offset + 100));
      await settled();
    }
    await saving;
    expect(disk.written).toEqual([...file]);
    expect(disk).toMatchObject({ state: "closed", suggestedName: "a.mkv" });
    expect(notices.items.value).toEqual([]);
  });

  test("waits for a slow disk instead of filling the memory", async () => {
    const disk = new FakeFile();
    disk.install();
    let go = () => {};
    disk.slow = new Promise((resolve) => {
      go = resolve;
    });
    const file = bytes(2000);
    const saving = downloads.save("r", "a.mkv");
    await settled();
    await serve(file, () => 100);
    expect(byLink).toHaveLength(1); // the first piece is not written yet
    go();
    await settled();
    await serve(file, () => 100);
    await saving;
    expect(disk.written).toEqual([...file]);
  });

  test("is complete although the engine gives less than before", async () => {
    const disk = new FakeFile();
    disk.install();
    const file = bytes(750);
    const saving = downloads.save("r", "a.mkv");
    await settled();
    await serve(file, ({ offset }) => (offset % 200 === 0 ? 200 : 70));
    await serve(file, ({ offset }) => (offset === 200 ? 60 : 200));
    await saving;
    expect(disk.written).toEqual([...file]);
  });

  test("may be empty", async () => {
    const disk = new FakeFile();
    disk.install();
    const saving = downloads.save("r", "a.mkv");
    await settled();
    give(byLink[0]?.id ?? "", 0, bytes(0));
    await saving;
    expect(disk).toMatchObject({ written: [], state: "closed" });
  });

  test.each([
    ["grew", 400, 100, "The file changed meanwhile: it had 300 bytes and has 400 now."],
    ["ended early", 300, 0, "The file ends after 100 of its 300 bytes."],
  ])("that %s is not passed off as whole", async (_, size, length, why) => {
    const disk = new FakeFile();
    disk.install();
    const saving = downloads.save("r", "a.mkv");
    await settled();
    give(byLink[0]?.id ?? "", 300, bytes(100));
    await settled();
    give(byLink[1]?.id ?? "", size, bytes(length));
    await saving;
    expect(disk.state).toBe("removed");
    expect(notices.items.value.map(({ text }) => text)).toEqual([`a.mkv could not be saved. ${why}`]);
    expect(vi.getTimerCount()).toBe(0); // nor is the rest of it asked for
  });

  test("that the disk does not hold is given up with its reason, and what was there before stays", async () => {
    const disk = new FakeFile();
    disk.before = 12;
    disk.isFull = true;
    disk.install();
    const saving = downloads.save("r", "a.mkv");
    await settled();
    give(byLink[0]?.id ?? "", 300, bytes(100));
    await saving;
    expect(disk.state).toBe("aborted");
    expect(notices.items.value[0]?.text).toBe("a.mkv could not be saved. The disk is full.");
  });

  test("is asked for once, however often it is clicked", async () => {
    new FakeFile().install();
    void downloads.save("r", "a.mkv");
    void downloads.save("r", "a.mkv");
    await settled();
    expect(downloads.items.value).toHaveLength(1);
    expect(byLink).toHaveLength(1);
  });
});

describe("where to", () => {
  test("nowhere, if the person chose no place", async () => {
    vi.stubGlobal("showSaveFilePicker", async () => {
      throw new DOMException("The user aborted a request.", "AbortError");
    });
    await downloads.save("r", "a.mkv");
    expect(byLink).toEqual([]);
    expect(notices.items.value).toEqual([]);
  });

  test("a download of the browser's, where a frame of another origin may not ask", async () => {
    vi.stubGlobal("showSaveFilePicker", async () => {
      throw new DOMException(
        "Cross origin sub frames aren't allowed to show a file picker.",
        "SecurityError",
      );
    });
    const clicked: string[] = [];
    const blobs: Blob[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push(this.download);
    });
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${blobs.push(blob as Blob)}`);
    const revoked = vi.spyOn(URL, "revokeObjectURL");
    const file = bytes(500);
    const saving = downloads.save("r", "Ada.mkv");
    await settled();
    await serve(file, () => 200);
    await saving;
    expect(clicked).toEqual(["Ada.mkv"]);
    expect(new Uint8Array(await (blobs[0] as Blob).arrayBuffer())).toEqual(file);
    expect(revoked).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(revoked).toHaveBeenCalledWith("blob:1");
  });
});

describe("reads", () => {
  const never = new AbortController().signal;

  test("are at most four on the link, of all files together", async () => {
    const all = Array.from({ length: 6 }, (_, at) => reads.read("r", "a", at, never));
    expect(offsets()).toEqual([0, 1, 2, 3]);
    give(byLink[2]?.id ?? "", 9, bytes(1));
    expect(offsets()).toEqual([0, 1, 2, 3, 4]);
    expect((await all[2])?.sizeBytes).toBe(9);
  });

  test("take turns by the comm, which may carry only so much", async () => {
    isLinked = false;
    for (let at = 0; at < 3; at += 1) void reads.read("r", "a", at, never);
    expect(byComm).toHaveLength(1);
    give(byComm[0]?.id ?? "", 9, bytes(1));
    expect(byComm).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(byComm).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(byComm).toHaveLength(2); // the second one is not answered yet
  });

  test("are asked again by the same id, at once on a new link and else with growing pauses", async () => {
    const read = reads.read("r", "a", 7, never);
    reads.again();
    await vi.advanceTimersByTimeAsync(2 * ASK_AGAIN_MS);
    isLinked = false;
    await vi.advanceTimersByTimeAsync(4 * ASK_AGAIN_MS);
    expect([byLink.length, byComm.length]).toEqual([3, 1]);
    expect(new Set([...byLink, ...byComm].map(({ id }) => id)).size).toBe(1);
    give(byComm[0]?.id ?? "", 9, bytes(2));
    give(byComm[0]?.id ?? "", 9, bytes(2)); // both copies are answered
    expect((await read).sizeBytes).toBe(9);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that are over leave nothing with the signal of their file", async () => {
    const listening = new Set<unknown>();
    const signal = new AbortController().signal;
    vi.spyOn(signal, "addEventListener").mockImplementation((_, listener) => void listening.add(listener));
    vi.spyOn(signal, "removeEventListener").mockImplementation(
      (_, listener) => void listening.delete(listener),
    );
    for (let at = 0; at < 3; at += 1) {
      const read = reads.read("r", "a", at, signal);
      expect(listening.size).toBe(1);
      give(byLink[at]?.id ?? "", 9, bytes(1));
      await read;
    }
    expect(listening.size).toBe(0);
  });

  test("are given up after a long silence, in words", async () => {
    const read = reads.read("r", "a", 0, never);
    const refused = expect(read).rejects.toThrow("Python does not answer. Is the kernel running?");
    await vi.advanceTimersByTimeAsync(3 * READ_PATIENCE_MS);
    await refused;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("end with their signal, asked or not, and the others move up", async () => {
    const ended = new AbortController();
    const gone = Array.from({ length: 6 }, (_, at) => reads.read("r", "a", at, ended.signal));
    const other = reads.read("r", "b", 0, never);
    const all = Promise.allSettled(gone);
    ended.abort();
    expect((await all).map(({ status }) => status)).toEqual(Array(6).fill("rejected"));
    await settled();
    expect(byLink.at(-1)?.file).toBe("b");
    give(byLink.at(-1)?.id ?? "", 9, bytes(1));
    expect((await other).sizeBytes).toBe(9);
    await expect(reads.read("r", "a", 0, ended.signal)).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });
});
