/** The recorder's pure parts: who is in, where they stand, what files are called, what is in their bytes. */
import { describe, expect, test, vi } from "vitest";
import { QUIET } from "../src/guest/reading";
import { arrange, contain, cover, INSET } from "../src/guest/recorder/arrangement";
import { CONSENT_MS, Consent, ME } from "../src/guest/recorder/consent";
import { formatFor } from "../src/guest/recorder/formats";
import { startMetronome } from "../src/guest/recorder/metronome";
import { fileStem, title } from "../src/guest/recorder/names";
import { DoubleSink, MemorySink, PickedSink, type Sink } from "../src/guest/recorder/sink";
import { durationElement, Frames, prepare } from "../src/guest/recorder/webm";
import type { FromWorker, ToWorker } from "../src/guest/recorder/worker";
import type { RecorderWorker } from "../src/guest/recorder/worker-handle";
import type { Participant } from "../src/messages";

const someone = (id: string, acknowledges: readonly string[] = [], isYou = false): Participant => ({
  id,
  name: id.toUpperCase(),
  isPython: false,
  receivesVideo: false,
  isYou,
  isCreator: false,
  order: 1,
  protocol: 1,
  joinedAtS: 0,
  isConnected: true,
  connection: "connected",
  status: { ...QUIET, acknowledges },
});
const states = (consent: Consent, now_ms: number) =>
  Object.fromEntries(consent.people(now_ms).map(({ id, state }) => [id, state]));

describe("consent", () => {
  const gus = someone("gus", [], true);

  test("whoever confirms this very recording is in, from then on", () => {
    const consent = new Consent("r1", "all");
    consent.update([gus, someone("ada"), someone("bob", ["another"])], false, 0);
    expect(states(consent, 10)).toEqual({ you: "asked", ada: "asked", bob: "asked" });
    expect([ME, "ada", "bob"].map((id) => consent.has(id))).toEqual([false, false, false]);
    consent.update([gus, someone("ada", ["r1"]), someone("bob", ["another"])], true, 20);
    expect([ME, "ada", "bob"].map((id) => consent.has(id))).toEqual([true, true, false]);
  });

  test("whoever does not within two seconds is left out until they do", () => {
    const consent = new Consent("r1", "all");
    consent.update([gus, someone("bob")], true, 100);
    expect(states(consent, 100 + CONSENT_MS - 1)).toEqual({ you: "recorded", bob: "asked" });
    expect(states(consent, 100 + CONSENT_MS)).toEqual({ you: "recorded", bob: "left-out" });
    consent.update([gus, someone("bob", ["r1"])], true, 9_000);
    expect(states(consent, 9_000).bob).toBe("recorded");
  });

  test("late joiners are asked when they come, and whoever leaves is gone", () => {
    const consent = new Consent("r1", "all");
    consent.update([gus, someone("ada", ["r1"])], true, 0);
    consent.update([gus, someone("bob")], true, 10_000);
    expect(states(consent, 10_500)).toEqual({ you: "recorded", ada: "gone", bob: "asked" });
    expect(consent.has("ada")).toBe(false);
  });

  test("a window that is covered later takes nobody out", () => {
    const consent = new Consent("r1", "all");
    consent.update([gus, someone("ada", ["r1"])], true, 0);
    consent.update([gus, someone("ada")], false, 10);
    expect([consent.has(ME), consent.has("ada")]).toEqual([true, true]);
  });

  test("only oneself, if only oneself was asked for", () => {
    const consent = new Consent("r1", "local");
    consent.update([gus, someone("ada", ["r1"])], true, 0);
    expect(states(consent, 0)).toEqual({ you: "recorded" });
    expect(consent.has("ada")).toBe(false);
  });
});

describe("layouts", () => {
  const seated = (...ids: string[]) => ids.map((id) => ({ id, isScreen: id.startsWith("screen") }));
  const whole = { left: 0, top: 0, width: 1280, height: 720 };

  test("two are picture in picture: the other large, oneself 20 px from the top right", () => {
    expect(arrange(null, seated(ME, "ada"), null)).toEqual([
      { id: "ada", box: whole, isInset: false },
      { id: ME, box: { left: 940, top: 20, width: 320, height: 240 }, isInset: true },
    ]);
  });

  test("one alone fills the picture", () => {
    expect(arrange(null, seated(ME), null)).toEqual([{ id: ME, box: whole, isInset: false }]);
    expect(arrange("pip", seated("ada"), null)).toEqual([{ id: "ada", box: whole, isInset: false }]);
    expect(arrange("grid", [], null)).toEqual([]);
    expect(arrange("speaker", [], null)).toEqual([]);
  });

  test("of several others the screen is large, else who speaks, else the first", () => {
    const large = (layout: "pip" | "speaker", ids: string[], speaking: string | null) =>
      arrange(layout, seated(...ids), speaking).toSorted((a, b) => b.box.width - a.box.width)[0]?.id;
    for (const layout of ["pip", "speaker"] as const) {
      expect(large(layout, [ME, "ada", "bob"], null)).toBe("ada");
      expect(large(layout, [ME, "ada", "bob"], "bob")).toBe("bob");
      expect(large(layout, [ME, "ada", "bob", "screen"], "bob")).toBe("screen");
    }
    expect(large("pip", [ME, "ada"], ME)).toBe("ada");
    expect(large("speaker", [ME, "ada"], ME)).toBe(ME);
  });

  test.each([3, 4, 7, 12])("a grid of %i shows everybody, apart and inside", (count) => {
    const placed = arrange(null, seated(ME, ...Array.from({ length: count - 1 }, (_, n) => `p${n}`)), null);
    expect(placed.length).toBe(count);
    placed.forEach(({ box }, index) => {
      expect(box.left >= 0 && box.top >= 0).toBe(true);
      expect(box.left + box.width <= 1280 && box.top + box.height <= 720).toBe(true);
      const later = placed.slice(index + 1).map((other) => other.box);
      const apart = later.every(
        (other) =>
          other.left >= box.left + box.width ||
          other.top >= box.top + box.height ||
          box.left >= other.left + other.width,
      );
      expect(apart).toBe(true);
    });
  });

  test("a picture fits whole into its box, or fills it", () => {
    expect(contain({ width: 640, height: 480 }, { left: 0, top: 0, width: 1280, height: 720 })).toEqual({
      left: 160,
      top: 0,
      width: 960,
      height: 720,
    });
    expect(cover({ width: 1280, height: 720 }, INSET)).toEqual({
      left: 160,
      top: 0,
      width: 960,
      height: 720,
    });
    expect(cover({ width: 640, height: 480 }, INSET)).toEqual({ left: 0, top: 0, width: 640, height: 480 });
  });
});

describe("names", () => {
  test.each([
    ["Ada Lovelace", "Ada-Lovelace"],
    ["../../etc/passwd", "etc-passwd"],
    ["Zoë Ünal", "Zoë-Ünal"],
    ["山田", "山田"],
    ["\u202Egnp.exe\0", "gnp-exe"],
    [".", "participant"],
    ["con", "con-1"],
    ["x".repeat(300), "x".repeat(80)],
    ["山".repeat(50), "山".repeat(26)],
  ])("%j becomes %s", (name, stem) => {
    expect(fileStem(name)).toBe(stem);
  });

  test("two of the same name get two files", () => {
    expect(fileStem("Bob", new Set(["bob"]))).toBe("Bob-2");
    expect(fileStem("BOB", new Set(["bob", "bob-2"]))).toBe("BOB-3");
  });

  test("a title says where and when", () => {
    expect(title("physics 101", new Date(2026, 0, 2, 3, 4, 5))).toBe("physics-101 2026-01-02 03-04-05");
  });
});

describe("formats", () => {
  const only =
    (...types: string[]) =>
    (mimeType: string) =>
      types.includes(mimeType);

  test("VP8 is the least work, VP9 looks better where there are processors for it", () => {
    expect(formatFor("one", 4, () => true)).toEqual({
      mimeType: "video/webm;codecs=vp8,opus",
      suffix: ".webm",
    });
    expect(formatFor("one", 16, () => true)?.mimeType).toBe("video/webm;codecs=vp9,opus");
    expect(formatFor("several", 16, () => true)?.mimeType).toBe("video/webm;codecs=vp8,opus");
  });

  test("a browser without WebM writes MP4, one without both nothing", () => {
    expect(formatFor("one", 4, only("video/mp4"))).toEqual({ mimeType: "video/mp4", suffix: ".mp4" });
    expect(formatFor("one", 4, only())).toBeNull();
  });
});

describe("WebM", () => {
  const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const SCALE = [0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40]; // 1,000,000 ns
  const MUXER = [0x4d, 0x80, 0x81, 0x43];
  const header = [0x1a, 0x45, 0xdf, 0xa3, 0x84, 0x42, 0x86, 0x81, 0x01];
  const segment = [0x18, 0x53, 0x80, 0x67, ...UNKNOWN];
  const info = (content: number[]) => [0x15, 0x49, 0xa9, 0x66, 0x80 | content.length, ...content];
  const tracks = [0x16, 0x54, 0xae, 0x6b, 0x80];
  const beginning = (content = [...SCALE, ...MUXER]) =>
    Uint8Array.of(...header, ...segment, ...info(content), ...tracks);

  test("there is room for the duration, and everything else is as it was", () => {
    const first = beginning();
    const prepared = prepare(first);
    if (prepared === null) throw new Error("nothing was prepared");
    const { bytes, at, scale_ns } = prepared;
    const content = [...SCALE, ...MUXER, 0xec, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const size = [0x01, 0, 0, 0, 0, 0, 0, content.length];
    expect([...bytes]).toEqual([
      ...header,
      ...segment,
      0x15,
      0x49,
      0xa9,
      0x66,
      ...size,
      ...content,
      ...tracks,
    ]);
    expect(scale_ns).toBe(1_000_000);
    const duration = durationElement(12_345, scale_ns);
    expect(duration.length).toBe(11);
    expect(bytes[at]).toBe(0xec);
    bytes.set(duration, at);
    expect([...bytes.subarray(at, at + 3)]).toEqual([0x44, 0x89, 0x88]);
    expect(new DataView(bytes.buffer).getFloat64(at + 3)).toBe(12_345);
  });

  describe("frames", () => {
    const block = (id: number, time: number, size = 4, track = 1) => [
      id,
      0x80 | size,
      0x80 | track,
      (time >> 8) & 0xff,
      time & 0xff,
      ...Array.from({ length: size - 3 }, () => 0x80),
    ];
    const group = (...content: number[]) => [0xa0, 0x80 | content.length, ...content];
    const cluster = (timestamp: number, ...content: number[]) => [
      ...[0x1f, 0x43, 0xb6, 0x75, ...UNKNOWN],
      ...[0xe7, 0x82, timestamp >> 8, timestamp & 0xff],
      ...content,
    ];
    const film = Uint8Array.of(
      ...beginning(),
      ...cluster(0, ...block(0xa3, 0), ...block(0xa3, 33, 100)),
      ...cluster(
        1000,
        ...block(0xa3, 60),
        ...block(0xa3, 9, 4, 2),
        ...block(0xa3, -2 & 0xffff),
        ...group(...block(0xa1, 21)),
      ),
    );

    test.each([1, 2, 7, 50, film.length])("in pieces of %i bytes are followed to the last", (length) => {
      const frames = new Frames();
      expect(frames.last).toBeNull();
      for (let at = 0; at < film.length; at += length) frames.pass(film.subarray(at, at + length));
      expect([frames.last, frames.straggler]).toEqual([1060, 1009]);
    });

    test("of what is no film there are none", () => {
      const frames = new Frames();
      for (let part = 0; part < 5; part += 1) frames.pass(new Uint8Array(100));
      expect(frames.last).toBeNull();
    });
  });

  test.each([
    ["another file", Uint8Array.of(0, 0, 0, 0x20, 0x66, 0x74, 0x79, 0x70)],
    ["nothing", new Uint8Array()],
    ["a beginning that was cut", beginning().subarray(0, 30) as Uint8Array<ArrayBuffer>],
    ["a duration that is there", beginning([...SCALE, 0x44, 0x89, 0x84, 0, 0, 0, 0])],
    ["a segment of known size", Uint8Array.of(...header, 0x18, 0x53, 0x80, 0x67, 0x85, ...info([]))],
    ["zeros", new Uint8Array(100)],
  ])("%s is left alone", (_what, bytes) => {
    expect(prepare(bytes)).toBeNull();
  });
});

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("sinks", () => {
  test("memory keeps parts in their order, and lets them be changed", async () => {
    const sink = new MemorySink("a.webm");
    await sink.write(bytes(1, 2, 3));
    await sink.write(bytes(4, 5, 6));
    await sink.patch(4, bytes(50));
    await expect(sink.patch(2, bytes(0, 0))).rejects.toThrow("one piece");
    await sink.close();
    const file = sink.file("video/webm");
    expect([...new Uint8Array(await file.arrayBuffer())]).toEqual([1, 2, 3, 4, 50, 6]);
    expect([file.name, file.type]).toEqual(["a.webm", "video/webm"]);
  });

  test("a chosen file is written behind its end, whatever was changed meanwhile", async () => {
    const stream = new FakeWritable();
    const sink = new PickedSink("a.webm", stream as unknown as FileSystemWritableFileStream);
    await sink.write(bytes(1, 2, 3));
    await sink.patch(0, bytes(9));
    await sink.write(bytes(4));
    await sink.close();
    await sink.close();
    expect(stream.content).toEqual([9, 2, 3, 4]);
    expect(stream.closes).toBe(1);
  });

  test("of two places one may fail, and only the other counts as whole", async () => {
    const [good, bad] = [new MemorySink("a"), new FailingSink("b", 2)];
    const both = new DoubleSink("a", [good, bad]);
    for (const part of [1, 2, 3]) await both.write(bytes(part));
    await both.close();
    expect([both.isWhole(good), both.isWhole(bad)]).toEqual([true, false]);
    expect(bad.written).toBe(1);
    expect(good.file("").size).toBe(3);
  });

  test("where both fail, the last reason is told", async () => {
    const both = new DoubleSink("a", [new FailingSink("a", 1), new FailingSink("b", 2)]);
    await both.write(bytes(1));
    await expect(both.write(bytes(2))).rejects.toThrow("b is full");
  });
});

class FakeWritable {
  readonly content: number[] = [];
  closes = 0;
  async write({ position, data }: { position: number; data: Uint8Array }): Promise<void> {
    this.content.splice(position, data.length, ...data);
  }
  async close(): Promise<void> {
    this.closes += 1;
  }
}

/** Refuses from the write of this number on. */
class FailingSink implements Sink {
  written = 0;
  constructor(
    readonly name: string,
    readonly refusing: number,
  ) {}
  async write(): Promise<void> {
    if (this.written + 1 >= this.refusing)
      throw new DOMException(`${this.name} is full`, "QuotaExceededError");
    this.written += 1;
  }
  async patch(): Promise<void> {}
  async close(): Promise<void> {}
}

describe("the metronome", () => {
  class FakeWorker implements RecorderWorker {
    onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
    onerror = null;
    readonly sent: ToWorker[] = [];
    isEnded = false;
    postMessage(message: ToWorker): void {
      this.sent.push(message);
    }
    terminate(): void {
      this.isEnded = true;
    }
    tick(): void {
      this.onmessage?.({ data: { type: "tick" } } as MessageEvent<FromWorker>);
    }
  }

  test("beats with the worker, answers every tick, and ends with it", () => {
    const worker = new FakeWorker();
    let beats = 0;
    const end = startMetronome(
      () => {
        beats += 1;
      },
      () => worker,
    );
    expect(worker.sent).toEqual([{ type: "tick", interval_ms: 1000 / 30 }]);
    worker.tick();
    expect(beats).toBe(1);
    expect(worker.sent.slice(1)).toEqual([{ type: "ticked" }]);
    end();
    end();
    expect(worker.isEnded).toBe(true);
  });

  test("after a slow beat the page gets time for the call", () => {
    vi.useFakeTimers();
    const worker = new FakeWorker();
    let beats = 0;
    const slow = () => {
      beats += 1;
      vi.advanceTimersByTime(20);
    };
    startMetronome(slow, () => worker);
    worker.tick();
    vi.advanceTimersByTime(19);
    worker.tick();
    expect(beats).toBe(1);
    expect(worker.sent.filter(({ type }) => type === "ticked").length).toBe(2);
    vi.advanceTimersByTime(1);
    worker.tick();
    expect(beats).toBe(2);
    vi.useRealTimers();
  });
});
