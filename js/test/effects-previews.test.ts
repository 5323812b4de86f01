import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NO_ASSETS } from "../src/assets";
import { EffectsWorker } from "../src/effects/effects-worker-client";
import type { Tools } from "../src/effects/operations";
import type { Operation } from "../src/effects/picture";
import { Previews } from "../src/effects/previews";
import type { EffectName } from "../src/messages";
import { FakeEffectsWorker, stubEffects } from "./fake-effects-worker";

const [WIDTH, HEIGHT] = [320, 180];

/** A gray one from the camera, or one that is to be drawn. */
class FakeFrame {
  static open = 0;
  readonly visibleRect = { width: WIDTH, height: HEIGHT };
  readonly colorSpace = { matrix: "smpte170m", fullRange: false };
  readonly format = "I420";
  readonly timestamp: number;

  constructor(_: unknown, { timestamp }: { timestamp: number }) {
    this.timestamp = timestamp;
    FakeFrame.open += 1;
  }
  async copyTo(): Promise<void> {}
  close(): void {
    FakeFrame.open -= 1;
  }
}

const frame = () =>
  new FakeFrame(null, { timestamp: 1000 * performance.now() }) as unknown as VideoFrame & FakeFrame;

beforeEach(() => {
  vi.useFakeTimers();
  stubEffects();
  vi.stubGlobal("VideoFrame", FakeFrame);
  FakeFrame.open = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("previews", () => {
  let drawn: string[];
  let failed: string[];
  let cost_ms: number;
  let previews: Previews;

  /** What takes long is the effects that have to know the person. */
  const tools: Tools = {
    person: (): Operation => ({
      isDirected: true,
      apply: (picture) => {
        vi.advanceTimersByTime(cost_ms);
        return picture;
      },
      close: () => undefined,
    }),
  };
  const add = (id: number, name: EffectName) => {
    const canvas = { getContext: () => ({ drawImage: () => drawn.push(name) }) };
    previews.add(id, canvas as unknown as OffscreenCanvas, { name, strength: null });
  };
  /** So much of the time is the previews', at 50 pictures a second. */
  const watch = async (ms: number) => {
    const began_ms = performance.now();
    let spent_ms = 0;
    while (performance.now() < began_ms + ms) {
      const from_ms = performance.now();
      await previews.show(frame());
      spent_ms += performance.now() - from_ms;
      vi.advanceTimersByTime(20);
    }
    return spent_ms / (performance.now() - began_ms);
  };

  beforeEach(() => {
    [drawn, failed, cost_ms] = [[], [], 0];
    previews = new Previews(tools, (text) => failed.push(text));
  });

  test("are drawn four times a second each at most", async () => {
    add(1, "sepia");
    add(2, "invert");
    await watch(2000);
    for (const name of ["sepia", "invert"]) {
      const times = drawn.filter((one) => one === name).length;
      expect(times).toBeGreaterThan(6);
      expect(times).toBeLessThanOrEqual(8);
    }
    expect(FakeFrame.open).toBe(0);
  });

  test("leave the worker to the chosen effect, and none of them is forgotten", async () => {
    cost_ms = 30;
    for (const [id, name] of (["blur", "background", "sepia"] as const).entries()) add(id, name);
    expect(await watch(4000)).toBeLessThan(0.17);
    for (const name of ["blur", "background", "sepia"]) {
      expect(drawn.filter((one) => one === name).length).toBeGreaterThan(4);
    }
  });

  test("end one by one: by an effect that fails, or because nobody looks", async () => {
    tools.person = () => ({
      isDirected: true,
      apply: () => {
        throw new Error("out of memory");
      },
      close: () => undefined,
    });
    for (const [id, name] of (["blur", "sepia", "invert"] as const).entries()) add(id, name);
    previews.remove(2);
    await watch(1000);
    expect(new Set(drawn)).toEqual(new Set(["sepia"]));
    expect(failed).toEqual(['The preview of "Blur background" failed (Error: out of memory).']);
    expect(FakeFrame.open).toBe(0);
  });
});

describe("single pictures on their way to the worker", () => {
  test("are one of the camera's and one for the previews at a time", () => {
    const client = new EffectsWorker({
      assets: NO_ASSETS,
      make: () => new FakeEffectsWorker() as unknown as Worker,
      answer_ms: 10_000,
      onStatus: () => undefined,
      onPreviewFailed: () => undefined,
      onDied: (text) => expect.fail(text),
    });
    const worker = FakeEffectsWorker.made[0] as FakeEffectsWorker;
    const given = () => [worker.of("frame").length, worker.of("previews-frame").length, FakeFrame.open];
    for (const type of ["frame", "previews-frame", "frame", "previews-frame"] as const) {
      client.give(frame(), type);
    }
    expect(given()).toEqual([1, 1, 2]);
    worker.say({ type: "previews-ready" });
    client.give(frame(), "previews-frame");
    client.give(frame(), "frame");
    expect(given()).toEqual([1, 2, 3]);
    worker.say({ type: "frame", frame: null });
    client.give(frame(), "frame");
    expect(given()).toEqual([2, 2, 4]);
    client.close();
    vi.advanceTimersByTime(60_000);
  });
});
