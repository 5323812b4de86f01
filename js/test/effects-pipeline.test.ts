import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Tools } from "../src/effects/operations";
import type { Operation, Planes } from "../src/effects/picture";
import { Pipeline } from "../src/effects/pipeline";

const settled = () => new Promise((resolve) => setTimeout(resolve));

/** A picture of 2 x 2, I420. */
class FakeFrame {
  static live = 0;
  readonly format = "I420";
  readonly codedWidth = 2;
  readonly codedHeight = 2;
  readonly visibleRect = { width: 2, height: 2 };
  readonly colorSpace = { matrix: null, fullRange: null, primaries: null, transfer: null };
  readonly timestamp: number;
  readonly data: Uint8Array;
  #isClosed = false;

  constructor(data: ArrayBuffer, { timestamp }: { timestamp: number }) {
    this.data = new Uint8Array(data.slice(0, 6));
    this.timestamp = timestamp;
    FakeFrame.live += 1;
  }
  async copyTo(buffer: ArrayBuffer): Promise<void> {
    new Uint8Array(buffer).set(this.data);
  }
  close(): void {
    if (!this.#isClosed) FakeFrame.live -= 1;
    this.#isClosed = true;
  }
}

const frame = (timestamp: number) => {
  const bytes = new Uint8Array([timestamp, 20, 30, 40, 128, 128]);
  return new FakeFrame(bytes.buffer, { timestamp }) as unknown as VideoFrame;
};
const light = (seen: VideoFrame | null) => (seen as unknown as FakeFrame | null)?.data[0];

/** Light is turned around, unless it is 13. */
class Turning implements Operation {
  readonly isDirected = false;
  isClosed = false;
  apply(picture: Planes): Planes {
    if (picture.y[0] === 13) throw new Error("unlucky");
    picture.y.forEach((value, at) => {
      picture.y[at] = 255 - value;
    });
    return picture;
  }
  close(): void {
    this.isClosed = true;
  }
}

let made: Turning[];
let troubles: string[];
let pipeline: Pipeline;
const tools: Tools = {
  person: ({ name }) => {
    if (name === "background") throw new Error("nobody there");
    const operation = new Turning();
    made.push(operation);
    return operation;
  },
};

beforeEach(() => {
  FakeFrame.live = 0;
  vi.stubGlobal("VideoFrame", FakeFrame);
  [made, troubles] = [[], []];
  pipeline = new Pipeline({ tools, onMeasured: () => undefined, onTrouble: (text) => troubles.push(text) });
});

afterEach(() => vi.unstubAllGlobals());

describe("one picture", () => {
  test("gets the effect and keeps its time", async () => {
    pipeline.use({ name: "blur", strength: null });
    const changed = await pipeline.process(frame(7));
    expect([light(changed), changed?.timestamp, FakeFrame.live]).toEqual([248, 7, 1]);
  });

  test("is left out where the effect fails on it, said once, and all is well with the next", async () => {
    pipeline.use({ name: "blur", strength: null });
    expect(await pipeline.process(frame(13))).toBeNull();
    expect(await pipeline.process(frame(13))).toBeNull();
    expect(troubles).toEqual(['The effect "Blur background" failed on a picture (Error: unlucky).']);
    expect(light(await pipeline.process(frame(7)))).toBe(248);
    expect(troubles.slice(1)).toEqual([""]);
    expect(FakeFrame.live).toBe(1);
  });

  test("never comes out as it is, without an effect or with one that could not be made", async () => {
    expect(await pipeline.process(frame(7))).toBeNull();
    pipeline.use({ name: "background", strength: null });
    expect(await pipeline.process(frame(7))).toBeNull();
    expect(troubles).toEqual([expect.stringContaining("could not be made (Error: nobody there)")]);
    pipeline.use({ name: "none", strength: null });
    expect(await pipeline.process(frame(7))).toBeNull();
    expect(FakeFrame.live).toBe(0);
  });

  test("has the effect that was chosen last, and the one before lets go", async () => {
    pipeline.use({ name: "blur", strength: null });
    pipeline.use({ name: "mirror", strength: null });
    expect(made.map(({ isClosed }) => isClosed)).toEqual([true]);
    expect(light(await pipeline.process(frame(7)))).toBe(20);
  });
});

describe("a camera's pictures", () => {
  let give: (picture: VideoFrame) => void;
  let isCancelled: boolean;
  /** What came out, and the one that is being taken now. */
  let out: (number | undefined)[];
  let take: () => void;
  let running: Promise<void>;

  /** As Chromium's streams of frames: the source keeps the newest picture, the sink closes what it took. */
  const run = () => {
    let newest: VideoFrame | null = null;
    let asked: ReadableStreamDefaultController<VideoFrame> | null = null;
    [isCancelled, out] = [false, []];
    give = (picture) => {
      newest?.close();
      newest = picture;
      if (asked !== null) {
        asked.enqueue(newest);
        newest = asked = null;
      }
    };
    const readable = new ReadableStream<VideoFrame>(
      {
        pull: (controller) => {
          if (newest === null) asked = controller;
          else controller.enqueue(newest);
          newest = null;
        },
        cancel: () => {
          isCancelled = true;
          newest?.close();
        },
      },
      { highWaterMark: 0 },
    );
    const writable = new WritableStream<VideoFrame>({
      write: async (picture) => {
        out.push(light(picture));
        await new Promise<void>((resolve) => {
          take = resolve;
        });
        picture.close();
      },
    });
    pipeline.use({ name: "blur", strength: null });
    running = pipeline.run(readable, writable);
  };

  test("never queue: while one is under way the newest of the others waits", async () => {
    run();
    await settled();
    for (const timestamp of [1, 2, 3, 4]) {
      give(frame(timestamp));
      await settled();
    }
    expect(out).toEqual([254]);
    take();
    await settled();
    expect(out).toEqual([254, 251]);
    take();
    await settled();
    pipeline.stop();
    await running;
    expect([FakeFrame.live, isCancelled, troubles]).toEqual([0, true, []]);
  });

  test("stop with the track that they were for", async () => {
    run();
    const writable = new WritableStream<VideoFrame>({
      write: () => {
        throw new Error("The track has ended.");
      },
    });
    const readable = new ReadableStream<VideoFrame>({
      start: (controller) => {
        for (const timestamp of [1, 2]) controller.enqueue(frame(timestamp));
      },
    });
    await pipeline.run(readable, writable);
    expect(troubles).toEqual([]);
    await running;
    expect(isCancelled).toBe(true);
  });

  test("say so where the camera fails", async () => {
    const readable = new ReadableStream<VideoFrame>({
      pull: () => {
        throw new Error("unplugged");
      },
    });
    pipeline.use({ name: "blur", strength: null });
    await pipeline.run(readable, new WritableStream());
    expect(troubles).toEqual(["The camera's pictures stopped (Error: unplugged)."]);
  });
});
