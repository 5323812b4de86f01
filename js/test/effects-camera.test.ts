import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Assets, NO_ASSETS } from "../src/assets";
import { CameraEffects } from "../src/effects/camera-effects";
import type { Effect, EffectName } from "../src/messages";
import { FakeEffectsWorker, stubEffects } from "./fake-effects-worker";
import { FakeTrack } from "./fake-track";

const camera = () => new FakeTrack("video") as FakeTrack & MediaStreamTrack;
const effect = (name: EffectName, strength: number | null = null): Effect => ({ name, strength });
const settled = () => vi.advanceTimersByTimeAsync(0);

let effects: CameraEffects;
let assets: Assets;
let changes: number;
let troubles: string[];
let chosen: Effect[];
let answer: () => Promise<void>;

const open = () => {
  effects = new CameraEffects({
    assets,
    onChange: () => {
      changes += 1;
    },
    onTrouble: (text) => troubles.push(text),
    onChosen: (one) => {
      chosen.push(one);
      return answer();
    },
    makeWorker: () => new FakeEffectsWorker() as unknown as Worker,
  });
};
const worker = () => {
  const newest = FakeEffectsWorker.made.at(-1);
  if (newest === undefined) throw new Error("No worker was made.");
  return newest;
};

beforeEach(() => {
  vi.useFakeTimers();
  stubEffects();
  [assets, changes, troubles, chosen] = [NO_ASSETS, 0, [], []];
  answer = async () => undefined;
  open();
});

afterEach(() => {
  effects.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("what may be seen of the camera", () => {
  test("is its own track without an effect, and that costs nothing", () => {
    const raw = camera();
    expect(effects.lead(raw)).toBe(raw);
    expect([FakeEffectsWorker.made, effects.status.value.state]).toEqual([[], "off"]);
  });

  test("is one other track as long as there is an effect, whichever", () => {
    const raw = camera();
    effects.lead(raw);
    effects.mirror(effect("sepia"), "");
    const { track } = effects;
    expect([track === raw, changes]).toEqual([false, 1]);
    effects.mirror(effect("invert"), "");
    effects.mirror(effect("contrast", 0.5), "");
    expect([effects.track === track, changes]).toEqual([true, 1]);
    expect(worker().of("run").length).toBe(1);
    expect(worker().of("effect").at(-1)).toEqual({ type: "effect", effect: effect("contrast", 0.5) });

    effects.mirror(effect("none"), "");
    expect([effects.track, track?.readyState, changes]).toEqual([raw, "ended", 2]);
    expect(worker().isEnded).toBe(true);
    expect(raw.readyState).toBe("live");
  });

  test("is never the camera's own where the effect was chosen before it was opened, or it is another one", () => {
    effects.mirror(effect("blur"), "");
    const [first, second] = [camera(), camera()];
    const shown = effects.lead(first);
    effects.lead(null);
    expect([effects.track, shown?.readyState]).toEqual([null, "ended"]);
    const later = effects.lead(second);
    expect([shown, later]).not.toContain(first);
    expect([shown, later]).not.toContain(second);
    expect(FakeEffectsWorker.made.length).toBe(1);
    expect(worker().taken.map(({ type }) => type)).toEqual([
      ...["base", "background", "effect", "run", "stop"],
      ...["effect", "run"],
    ]);
  });

  test("is nothing where the browser has no frames, and it says why; without an effect all is well", () => {
    vi.stubGlobal("VideoFrame", undefined);
    open();
    const raw = camera();
    effects.mirror(effect("grayscale"), "");
    expect(effects.lead(raw)).toBeNull();
    expect(effects.unavailable).toContain("lacks WebCodecs");
    expect(effects.status.value.state).toBe("failed");
    expect(troubles).toEqual([
      expect.stringMatching(
        /"Grayscale" does not work here, so your picture is not shown: This browser lacks/,
      ),
    ]);
    effects.choose(effect("none"));
    expect([effects.track, effects.status.value.state]).toEqual([raw, "off"]);
  });

  test("ends with the call, and begins anew with the next", () => {
    effects.mirror(effect("edge"), "");
    const shown = effects.lead(camera());
    effects.close();
    effects.close();
    expect([shown?.readyState, worker().isEnded, effects.track]).toEqual(["ended", true, null]);
    const raw = camera();
    expect(effects.lead(raw)).not.toBe(raw);
    expect([FakeEffectsWorker.made.length, effects.track?.readyState]).toEqual([2, "live"]);
  });
});

describe("a worker that fails", () => {
  beforeEach(() => {
    effects.mirror(effect("blur"), "");
    effects.lead(camera());
  });

  test.each([
    ["does not answer", () => vi.advanceTimersByTime(10_000), "does not answer"],
    ["may not start", () => worker().onerror?.({ message: "" }), "content security policy"],
    [
      "fails on its way",
      () => {
        worker().say({ type: "ready" });
        worker().onerror?.({ message: "out of memory" });
      },
      "its worker failed (out of memory)",
    ],
  ])("because it %s is started once more, and then nothing is shown", (_, fail, words) => {
    const first = effects.track;
    fail();
    expect([FakeEffectsWorker.made.map(({ isEnded }) => isEnded), first?.readyState]).toEqual([
      [true, false],
      "ended",
    ]);
    expect([effects.track?.readyState, changes, troubles]).toEqual(["live", 1, []]);
    fail();
    expect([effects.track, changes, FakeEffectsWorker.made.length]).toEqual([null, 2, 2]);
    expect(effects.status.value).toMatchObject({ state: "failed", text: expect.stringContaining(words) });
    expect(troubles).toEqual([expect.stringContaining("so your picture is not shown")]);
  });

  test("is tried again when the same effect is chosen again", () => {
    for (const _ of [1, 2]) vi.advanceTimersByTime(10_000);
    effects.mirror(effect("blur"), "");
    expect(effects.track).toBeNull();
    effects.choose(effect("blur"));
    expect([effects.track?.readyState, changes]).toEqual(["live", 3]);
    worker().run();
    expect(effects.status.value.state).toBe("running");
  });

  test("one that answers may take its time over a picture", () => {
    worker().run();
    vi.advanceTimersByTime(60_000);
    expect([FakeEffectsWorker.made.length, effects.status.value.state]).toEqual([1, "running"]);
  });

  test("says once what an effect cannot do", () => {
    const failed = { state: "failed", text: "It failed.", fps: null, frame_ms: null } as const;
    worker().say({ type: "status", status: failed });
    worker().say({ type: "status", status: { ...failed, fps: 24 } });
    expect([effects.status.value.fps, troubles]).toEqual([24, ["It failed."]]);
  });
});

describe("a choice", () => {
  test("acts at once, and an older state does not undo it", async () => {
    let take: () => void = () => undefined;
    answer = () =>
      new Promise((resolve) => {
        take = resolve;
      });
    const raw = camera();
    effects.lead(raw);
    effects.choose(effect("blur"));
    expect([effects.track === raw, chosen]).toEqual([false, [effect("blur")]]);
    effects.mirror(effect("none"), "");
    expect(effects.track).not.toBe(raw);
    effects.mirror(effect("blur"), "");
    take();
    await settled();
    expect(effects.track).not.toBe(raw);
    effects.mirror(effect("none"), "");
    expect(effects.track).toBe(raw);
  });

  test("gives way to what Python chose after it", async () => {
    effects.lead(camera());
    effects.choose(effect("sepia"));
    effects.mirror(effect("sepia"), "");
    effects.mirror(effect("invert"), "");
    await settled();
    expect(worker().of("effect").at(-1)?.effect).toEqual(effect("invert"));
  });

  test("that nobody took holds, and is told again to an engine that has not heard of it", async () => {
    answer = () => Promise.reject(new Error("Python does not answer."));
    const raw = camera();
    effects.lead(raw);
    effects.choose(effect("blur"));
    await settled();
    answer = async () => effects.mirror(effect("blur"), "");
    effects.mirror(effect("none"), "");
    expect([effects.track === raw, chosen]).toEqual([false, [effect("blur"), effect("blur")]]);
    await settled();
    effects.mirror(effect("blur"), "");
    expect([effects.track === raw, chosen.length]).toEqual([false, 2]);
    effects.mirror(effect("none"), "");
    expect([effects.track === raw, chosen.length]).toEqual([true, 2]);
  });

  test("that nobody took gives way to what the state says next", async () => {
    answer = () => Promise.reject(new Error("Python does not answer."));
    effects.lead(camera());
    effects.choose(effect("blur"));
    await settled();
    effects.mirror(effect("sepia"), "");
    expect(worker().of("effect").at(-1)?.effect).toEqual(effect("sepia"));
    effects.mirror(effect("sepia"), "");
    expect(chosen).toEqual([effect("blur")]);
  });

  test("that fails late does not come back over a later one", async () => {
    const answers: [() => void, (error: Error) => void][] = [];
    answer = () => new Promise((resolve, reject) => answers.push([resolve, reject]));
    effects.lead(camera());
    effects.choose(effect("blur"));
    effects.choose(effect("sepia"));
    effects.mirror(effect("sepia"), "");
    answers[1]?.[0]();
    await settled();
    answers[0]?.[1](new Error("Python does not answer."));
    await settled();
    effects.mirror(effect("sepia"), "");
    expect([chosen.length, worker().of("effect").at(-1)?.effect]).toEqual([2, effect("sepia")]);
  });
});

describe("what the worker asks for", () => {
  test("comes, or the reason why it does not", async () => {
    const bytes = new Uint8Array([1, 2]).buffer;
    assets = {
      base: () => "https://here/static/",
      load: async (name) => {
        if (name === "model") return bytes;
        throw new Error("the server answered 404.");
      },
    };
    open();
    effects.mirror(effect("blur"), "");
    effects.lead(camera());
    worker().say({ type: "asset-please", name: "model" });
    worker().say({ type: "asset-please", name: "loader" });
    await settled();
    expect(worker().of("base")).toEqual([{ type: "base", base: "https://here/static/", graphics: "auto" }]);
    expect(worker().of("asset")).toEqual([
      { type: "asset", name: "model", bytes, error: "" },
      { type: "asset", name: "loader", bytes: null, error: "the server answered 404." },
    ]);
  });

  test("a background picture of Python's comes when its effect does", async () => {
    const loaded: string[] = [];
    const picture = { width: 4000, height: 1000, close: () => undefined };
    vi.stubGlobal("createImageBitmap", async (_: unknown, options?: ImageBitmapOptions) => ({
      ...picture,
      width: options?.resizeWidth ?? picture.width,
    }));
    assets = {
      base: () => null,
      load: async (name) => {
        loaded.push(name);
        return new ArrayBuffer(1);
      },
    };
    open();
    effects.lead(camera());
    effects.mirror(effect("sepia"), "background-1.jpg");
    expect([loaded, effects.hasBackground.value]).toEqual([[], true]);
    effects.mirror(effect("background"), "background-1.jpg");
    await settled();
    expect(loaded).toEqual(["background-1.jpg"]);
    expect(worker().of("background").at(-1)?.picture).toMatchObject({ width: 1920 });
  });

  test("a background picture of the person's own is checked, and chooses its effect", async () => {
    effects.lead(camera());
    const large = { size: 21 * 1024 * 1024 } as Blob;
    await expect(effects.chooseBackground(large)).rejects.toThrow("The picture has 21 MB");
    vi.stubGlobal("createImageBitmap", () => Promise.reject(new DOMException("", "InvalidStateError")));
    await expect(effects.chooseBackground(new Blob(["x"]))).rejects.toThrow("no picture");
    expect(chosen).toEqual([]);
    const picture = { width: 40, height: 30, close: () => undefined };
    vi.stubGlobal("createImageBitmap", async () => picture);
    await effects.chooseBackground(new Blob(["x"]));
    expect([chosen, effects.hasBackground.value]).toEqual([[effect("background")], true]);
    expect(worker().of("background").at(-1)?.picture).toBe(picture);
  });
});

describe("the background picture", () => {
  let pictures: { readonly from: string; isClosed: boolean }[];
  let load: (name: string) => Promise<ArrayBuffer>;
  const shown = () => worker().of("background").at(-1)?.picture;
  const python = (name: string) => effects.mirror(effect("background"), name);

  beforeEach(() => {
    pictures = [];
    load = async () => new ArrayBuffer(1);
    vi.stubGlobal("createImageBitmap", async (file: Blob) => {
      const picture = {
        ...{ width: 40, height: 30, isClosed: false },
        from: file.type === "image/jpeg" ? "Python" : await file.text(),
        close: () => {
          picture.isClosed = true;
        },
      };
      pictures.push(picture);
      return picture;
    });
    assets = { base: () => null, load: (name) => load(name) };
    open();
    effects.lead(camera());
    effects.mirror(effect("background"), "");
  });

  test("is whichever was chosen last, and only its own side takes it away", async () => {
    python("background-1.jpg");
    await settled();
    expect(shown()).toMatchObject({ from: "Python" });
    await effects.chooseBackground(new Blob(["mine"]));
    python("background-1.jpg");
    expect(shown()).toMatchObject({ from: "mine" });
    python("");
    expect([shown(), effects.hasBackground.value]).toMatchObject([{ from: "mine", isClosed: false }, true]);
    python("background-2.jpg");
    await settled();
    expect(shown()).toMatchObject({ from: "Python" });
    python("");
    expect([shown(), effects.hasBackground.value]).toEqual([null, false]);
    expect(pictures.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
  });

  test("of Python's that is gone before it came is not shown", async () => {
    let bring: (bytes: ArrayBuffer) => void = () => undefined;
    load = () =>
      new Promise((resolve) => {
        bring = resolve;
      });
    python("background-1.jpg");
    python("");
    bring(new ArrayBuffer(1));
    await settled();
    expect([shown(), effects.hasBackground.value]).toEqual([null, false]);
    expect(pictures.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  test("of Python's that does not arrive leaves what was there, and says so", async () => {
    await effects.chooseBackground(new Blob(["mine"]));
    load = () => Promise.reject(new Error("the kernel has gone."));
    python("background-1.jpg");
    await settled();
    expect(shown()).toMatchObject({ from: "mine" });
    expect(troubles).toEqual([
      "Python's background picture did not arrive (the kernel has gone.). The one before it stays.",
    ]);
    load = async () => new ArrayBuffer(1);
    python("background-1.jpg");
    await settled();
    expect(shown()).toMatchObject({ from: "Python" });
  });
});

describe("previews", () => {
  const canvas = () => ({ transferControlToOffscreen: () => ({}) }) as unknown as HTMLCanvasElement;

  test("have one copy of the camera between them, for as long as there are some", () => {
    const raw = camera();
    const clones: MediaStreamTrack[] = [];
    raw.clone = () => {
      const track = camera();
      clones.push(track);
      return track;
    };
    effects.lead(raw);
    const [one, two] = [new AbortController(), new AbortController()];
    effects.preview(canvas(), effect("sepia"), one.signal);
    effects.preview(canvas(), effect("blur"), two.signal);
    expect([clones.length, effects.track]).toEqual([1, raw]);
    expect(
      worker()
        .of("preview")
        .map(({ effect: { name } }) => name),
    ).toEqual(["sepia", "blur"]);
    one.abort();
    expect([clones[0]?.readyState, worker().isEnded]).toEqual(["live", false]);
    two.abort();
    expect([clones[0]?.readyState, worker().isEnded, raw.readyState]).toEqual(["ended", true, "live"]);
  });

  describe("after the end of their worker", () => {
    /** As the menu does: new canvases in every round, and none in round 0. */
    const follow = () => {
      let shown = new AbortController();
      return effects.previewRound.subscribe((round) => {
        shown.abort();
        shown = new AbortController();
        if (round > 0) effects.preview(canvas(), effect("sepia"), shown.signal);
      });
    };
    const crash = () => worker().onerror?.({ message: "out of memory" });
    let stop: () => void;
    let copies: (FakeTrack & MediaStreamTrack)[];

    beforeEach(() => {
      copies = [];
      const raw = camera();
      raw.clone = () => {
        copies.push(camera());
        return copies.at(-1) as FakeTrack & MediaStreamTrack;
      };
      effects.lead(raw);
      stop = follow();
    });
    afterEach(() => stop());

    test.each(["none", "invert"] as const)("come back with another one, beside the effect %s", (name) => {
      effects.mirror(effect(name), "");
      crash();
      expect(FakeEffectsWorker.made.map(({ isEnded }) => isEnded)).toEqual([true, false]);
      expect([worker().of("preview").length, worker().of("previews-run").length]).toEqual([1, 1]);
      expect(copies.map(({ readyState }) => readyState)).toEqual(["ended", "live"]);
    });

    test("stay away after the second, until there is a camera or an effect anew", () => {
      crash();
      crash();
      expect([effects.previewRound.value, FakeEffectsWorker.made.length]).toEqual([0, 2]);
      expect(copies.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
      effects.mirror(effect("invert"), "");
      expect(worker().of("preview").length).toBe(1);
      crash();
      expect(effects.previewRound.value).toBe(0);
      effects.lead(camera());
      expect(effects.previewRound.value).toBeGreaterThan(0);
      expect(worker().of("preview").length).toBe(1);
    });
  });

  test("leave the worker to an effect, and the camera's end ends their copy", () => {
    const raw = camera();
    const copy = camera();
    raw.clone = () => copy;
    effects.lead(raw);
    const ended = new AbortController();
    effects.preview(canvas(), effect("sepia"), ended.signal);
    effects.mirror(effect("invert"), "");
    effects.lead(null);
    expect(copy.readyState).toBe("ended");
    ended.abort();
    expect(worker().isEnded).toBe(false);
  });
});
