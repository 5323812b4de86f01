import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { whyNoGraphics, whyNotBy } from "../src/effects/graphics";
import { SIDE } from "../src/effects/model-picture";
import { allocate } from "../src/effects/planes";
import { type Finder, type Graphics, Segmenter } from "../src/effects/segmenter";
import type { Engine, Processor } from "../src/segmenter-module";

/** The page's clock: engines move it on by what they take. */
let now_ms: number;

class FakeEngine implements Engine {
  readonly processor: Processor;
  value = 0.5;
  takes_ms: number;
  failure = "";
  isClosed = false;
  asked = 0;

  constructor(processor: Processor) {
    this.processor = processor;
    this.takes_ms = processor === "CPU" ? 10 : 2;
  }
  segment(): Float32Array {
    this.asked += 1;
    now_ms += this.takes_ms;
    if (this.failure !== "") throw new Error(this.failure);
    return new Float32Array(SIDE * SIDE).fill(this.value);
  }
  close(): void {
    if (this.isClosed) throw new Error("closed twice");
    this.isClosed = true;
  }
}

const picture = allocate(64, 36, { matrix: "bt601", fullRange: true });
const settled = () => new Promise((resolve) => setTimeout(resolve));

let renderer: string | null;
let engines: FakeEngine[];
/** Before an engine is used. */
let prepareEngine: (engine: FakeEngine) => void;
let refuses: Processor | null;
let finders: Finder[];
let states: string[];
let segmenter: Segmenter;

const open = (graphics: Graphics) => {
  segmenter = new Segmenter({
    fetch: async () => new ArrayBuffer(1),
    base: () => "https://here/",
    graphics: () => graphics,
    onStatus: (state) => states.push(state),
    onFinder: (finder) => finders.push(finder),
    importModule: async () => ({
      createSegmenter: async (_, processor) => {
        if (processor === refuses) throw new Error("no context");
        const engine = new FakeEngine(processor);
        prepareEngine(engine);
        engines.push(engine);
        return engine;
      },
    }),
  });
  segmenter.prepare();
  return settled();
};

let time_ms: number;
/** So many pictures; the share that each mask says, null without one. */
const look = (pictures: number): (number | null)[] =>
  Array.from({ length: pictures }, () => {
    time_ms += 33;
    return segmenter.mask(picture, time_ms)?.[0] ?? null;
  });

beforeEach(() => {
  [now_ms, time_ms] = [0, 0];
  renderer = "ANGLE (AMD, Radeon 780M, OpenGL 4.6)";
  [engines, finders, states, refuses] = [[], [], [], null];
  prepareEngine = () => undefined;
  vi.stubGlobal("performance", { now: () => now_ms });
  vi.stubGlobal("NBRTC_SEGMENTER", { module: "m", loader: "l", wasm: "w", model: "t" });
  vi.stubGlobal(
    "ImageData",
    class {
      readonly data: Uint8ClampedArray;
      constructor(width: number, height: number) {
        this.data = new Uint8ClampedArray(4 * width * height);
      }
    },
  );
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      getContext() {
        if (renderer === null) return null;
        return { RENDERER: 1, getParameter: () => renderer, getExtension: () => null };
      }
    },
  );
});

afterEach(() => {
  segmenter?.close();
  vi.unstubAllGlobals();
});

const ofGpu = (change: (engine: FakeEngine) => void) => (engine: FakeEngine) => {
  if (engine.processor === "GPU") change(engine);
};

test.each([
  [
    "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
    "software",
  ],
  ["llvmpipe (LLVM 15.0.6, 256 bits)", "software"],
  ["ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11 vs_5_0 ps_5_0)", "software"],
  ["Apple Software Renderer", "software"],
  ["WebKit WebGL", "does not say"],
  ["Mozilla", "does not say"],
  ["", "does not say"],
])("%j draws without a graphics processor", (name, words) => {
  expect(whyNotBy(name)).toContain(words);
});

test.each(["Apple GPU", "ANGLE (Intel, Mesa Intel(R) UHD Graphics 620, OpenGL 4.6)", "Mali-G78"])(
  "%s is one",
  (name) => expect(whyNotBy(name)).toBe(""),
);

test("a browser that gives no context has none", () => {
  renderer = null;
  expect(whyNoGraphics()).toContain("WebGL2");
});

describe("the graphics processor", () => {
  test.each([0, 0.01, 0.99])("is not judged by pictures whose masks say %d everywhere", async (value) => {
    prepareEngine = (engine) => {
      engine.value = value;
    };
    await open("auto");
    look(30);
    const [cpu, gpu] = engines as [FakeEngine, FakeEngine];
    expect([gpu.asked, gpu.isClosed, finders]).toEqual([0, false, []]);
    cpu.value = gpu.value = 0.4;
    look(12);
    expect(finders.at(-1)?.processor).toBe("GPU");
  });

  test("takes over when it was right and faster, and until then nobody sees its masks", async () => {
    prepareEngine = ofGpu((engine) => {
      engine.value = 0.52;
    });
    await open("auto");
    const seen = look(14);
    const change = seen.indexOf(0.5199999809265137);
    expect(change).toBeGreaterThan(3);
    expect(seen.slice(0, change).every((value) => value === 0.5)).toBe(true);
    expect(seen.slice(change).every((value) => value === seen[change])).toBe(true);
    expect(engines.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(finders).toEqual([{ processor: "GPU", why: expect.stringContaining("2.0 ms a picture") }]);
    expect(states).toEqual(["preparing", "running"]);
  });

  test.each<[string, (engine: FakeEngine) => void, string]>([
    ["slower", (engine) => Object.assign(engine, { takes_ms: 9 }), "9.0 ms a picture"],
    ["much slower", (engine) => Object.assign(engine, { takes_ms: 300 }), "300.0 ms a picture"],
    ["wrong", (engine) => Object.assign(engine, { value: 0.9 }), "differ by 0.40"],
    ["without numbers", (engine) => Object.assign(engine, { value: Number.NaN }), "are no numbers"],
    ["failing", (engine) => Object.assign(engine, { failure: "lost" }), "failed (Error: lost)"],
  ])("is let go where it is %s, and no picture goes without a mask", async (_, change, words) => {
    prepareEngine = ofGpu(change);
    await open("auto");
    expect(look(20)).toEqual(Array(20).fill(0.5));
    expect(engines.map(({ isClosed }) => isClosed)).toEqual([false, true]);
    expect(finders).toEqual([{ processor: "CPU", why: expect.stringContaining(words) }]);
    expect(engines[1]?.asked).toBeLessThan(15);
  });

  test("that is hopelessly slow is asked for few pictures", async () => {
    prepareEngine = ofGpu((engine) => {
      engine.takes_ms = 300;
    });
    await open("auto");
    look(20);
    expect(engines[1]?.asked).toBe(4);
  });

  test("is not even made by software, nor against the wish, and what cannot be made is said", async () => {
    renderer = "llvmpipe (LLVM 15.0.6, 256 bits)";
    await open("auto");
    segmenter.close();
    await open("never");
    segmenter.close();
    expect(engines.map(({ processor }) => processor)).toEqual(["CPU", "CPU"]);
    [renderer, refuses] = ["Apple GPU", "GPU"];
    await open("auto");
    expect(finders.map(({ why }) => why)).toEqual([
      expect.stringContaining("llvmpipe"),
      "the graphics processor is not wanted",
      "the graphics processor could not be used (Error: no context)",
    ]);
    expect(look(1)).toEqual([0.5]);
  });

  test("is used though it is software and slower where it is asked for, but not where it is wrong", async () => {
    renderer = null;
    prepareEngine = ofGpu((engine) => {
      engine.takes_ms = 300;
    });
    await open("always");
    look(20);
    expect(finders.at(-1)?.processor).toBe("GPU");
    segmenter.close();
    prepareEngine = ofGpu((engine) => {
      engine.value = 0;
    });
    await open("always");
    look(20);
    expect(finders.at(-1)?.processor).toBe("CPU");
  });

  test("that fails later leaves pictures without a mask until the processor is loaded, and is not tried again", async () => {
    await open("auto");
    look(20);
    const [, gpu] = engines as [FakeEngine, FakeEngine];
    gpu.failure = "the browser took the graphics processor away.";
    expect(look(3)).toEqual([null, null, null]);
    expect(gpu.asked, "it is not asked again").toBe(12 + 8 + 1);
    await settled();
    expect(look(20)).toEqual(Array(20).fill(0.5));
    expect(engines.map(({ processor, isClosed }) => [processor, isClosed])).toEqual([
      ["CPU", true],
      ["GPU", true],
      ["CPU", false],
    ]);
    expect(states).toEqual(["preparing", "running", "preparing", "running"]);
    expect(finders.at(-1)).toEqual({ processor: "CPU", why: expect.stringContaining("took the graphics") });
  });

  test("that comes after the end is closed", async () => {
    const opened = open("auto");
    segmenter.close();
    await opened;
    expect(engines.every(({ isClosed }) => isClosed)).toBe(true);
    expect(look(1)).toEqual([null]);
  });
});

describe("the processor", () => {
  test("that fails five times in a row is let go, and choosing again loads it anew", async () => {
    renderer = null;
    await open("auto");
    const [cpu] = engines as [FakeEngine];
    cpu.failure = "out of memory";
    expect(look(4)).toEqual([null, null, null, null]);
    cpu.failure = "";
    expect(look(1)).toEqual([0.5]);
    cpu.failure = "out of memory";
    look(6);
    expect([states.at(-1), cpu.isClosed]).toEqual(["failed", true]);
    segmenter.prepare();
    await settled();
    expect([states.at(-1), look(1)]).toEqual(["running", [0.5]]);
  });

  test("that cannot be loaded is said", async () => {
    refuses = "CPU";
    await open("auto");
    expect(states).toEqual(["preparing", "failed"]);
  });
});
