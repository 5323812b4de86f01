import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Turner } from "../src/effects/orientation";
import type { Planes } from "../src/effects/picture";
import { allocate } from "../src/effects/planes";

const FULL = { matrix: "bt601", fullRange: true } as const;

/** 3 x 2 with luma 1 to 6, chroma 10 and 11, 20 and 21. */
function picture(): Planes {
  const planes = allocate(3, 2, FULL);
  planes.y.set([1, 2, 3, 4, 5, 6]);
  planes.u.set([10, 11]);
  planes.v.set([20, 21]);
  return planes;
}

test.each([
  [0, false, [1, 2, 3, 4, 5, 6], [10, 11]],
  [0, true, [3, 2, 1, 6, 5, 4], [11, 10]],
  [90, false, [4, 1, 5, 2, 6, 3], [10, 11]],
  [90, true, [1, 4, 2, 5, 3, 6], [10, 11]],
  [180, false, [6, 5, 4, 3, 2, 1], [11, 10]],
  [180, true, [4, 5, 6, 1, 2, 3], [10, 11]],
  [270, false, [3, 6, 2, 5, 1, 4], [11, 10]],
  [270, true, [6, 3, 5, 2, 4, 1], [11, 10]],
])("turned by %i and mirrored: %s", (rotation, flip, y, u) => {
  const turned = new Turner().turn(picture(), { rotation, flip });

  expect([turned.width, turned.height]).toEqual(rotation % 180 === 0 ? [3, 2] : [2, 3]);
  expect([...turned.y]).toEqual(y);
  expect([...turned.u]).toEqual(u);
  expect([...turned.v]).toEqual(u.map((value) => value + 10));
  expect(turned.colour).toBe(FULL);
});

describe("in the pipeline of a browser that makes no frames which are to be turned", () => {
  /** As before WebCodecs had `rotation`: what the init says of it is lost. */
  class OldFrame {
    readonly format = "I420";
    readonly colorSpace = { matrix: null, fullRange: null, primaries: null, transfer: null };
    readonly visibleRect: { width: number; height: number };
    readonly timestamp = 0;
    readonly duration = null;
    readonly displayWidth: number;
    readonly displayHeight: number;
    readonly data: Uint8Array;

    constructor(data: ArrayBuffer | Uint8Array, init: VideoFrameBufferInit) {
      const { codedWidth: width, codedHeight: height } = init;
      const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
      this.data = bytes.slice(0, width * height * 1.5);
      this.visibleRect = { width, height };
      [this.displayWidth, this.displayHeight] = [init.displayWidth ?? width, init.displayHeight ?? height];
    }
    async copyTo(buffer: ArrayBuffer): Promise<void> {
      new Uint8Array(buffer).set(this.data);
    }
    close(): void {}
  }

  beforeEach(() => {
    vi.resetModules(); // what a browser can do is asked once
    vi.stubGlobal("VideoFrame", OldFrame);
  });
  afterEach(() => vi.unstubAllGlobals());

  test("pictures are turned for every effect", async () => {
    const { Pipeline } = await import("../src/effects/pipeline");
    const pipeline = new Pipeline({
      tools: {
        person: () => {
          throw new Error("nobody");
        },
      },
      onMeasured: () => undefined,
      onTrouble: (text) => {
        if (text !== "") throw new Error(text);
      },
    });
    pipeline.use({ name: "invert", strength: null });
    const data = new Uint8Array([50, 60, 70, 80, 90, 100, 110, 120, 128, 128, 128, 128]);
    const init = { format: "I420", codedWidth: 4, codedHeight: 2, timestamp: 0 } as const;
    const lying = { rotation: 90, displayWidth: 2, displayHeight: 4 };
    const frame = Object.assign(new OldFrame(data, init), lying);

    const changed = (await pipeline.process(frame as unknown as VideoFrame)) as unknown as OldFrame;

    expect([changed.visibleRect, changed.displayWidth, changed.displayHeight]).toEqual([
      { width: 2, height: 4 },
      2,
      4,
    ]);
    const upright = [90, 50, 100, 60, 110, 70, 120, 80];
    const light = [...changed.data.subarray(0, 8)];
    expect(light.every((value, at) => Math.abs(value - (251 - (upright[at] as number))) <= 1)).toBe(true);
  });
});
