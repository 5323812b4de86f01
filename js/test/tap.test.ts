import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Tap, type TapWorker } from "../src/tap";
import { type CodedFrame, Copier, KEYFRAME_MS } from "../src/tap/copier";
import {
  CHUNK_BYTES,
  CODECS,
  chunk,
  chunkCount,
  codecOf,
  HEADER_BYTES,
  type TapFrame,
} from "../src/tap/format";
import {
  BUFFERED_BYTES,
  Outlet,
  type Pipe,
  WAITING_BYTES,
  WAITING_MS,
  WAITING_SOUNDS,
} from "../src/tap/outlet";
import type { ToWorker } from "../src/tap-worker";

let now_ms = 0;

beforeEach(() => {
  now_ms = 1000;
});

class FakePipe implements Pipe {
  isOpen = true;
  bufferedAmount = 0;
  readonly sent: Uint8Array[] = [];

  send(message: Uint8Array<ArrayBuffer>): void {
    this.bufferedAmount += message.byteLength;
    this.sent.push(message);
  }

  /** The frames that went in whole or in part, as "kind number/index". */
  get order(): string[] {
    return this.sent.map((message) => {
      const view = new DataView(message.buffer);
      const kind = (view.getUint8(1) & 1) === 1 ? "video" : "audio";
      return `${kind} ${view.getUint32(4)}/${view.getUint16(24)}`;
    });
  }
}

function frame(number: number, bytes: number, change: Partial<TapFrame> = {}): TapFrame {
  return {
    participant: "bob",
    kind: "video",
    codec: CODECS.vp8,
    stream: 0,
    number,
    isKeyframe: number === 0,
    timestamp: 3000 * number,
    arrived_ms: 1.5,
    width: 640,
    height: 480,
    data: new Uint8Array(bytes).fill(7),
    ...change,
  };
}

describe("a message", () => {
  test("has the documented layout", () => {
    const whole = frame(0x01020304, 3, { stream: 258, isKeyframe: true, timestamp: 2 ** 32 + 5 });
    const bytes = chunk(whole, 0);
    expect([...bytes.slice(0, 12)]).toEqual([1, 3, 1, 2, 1, 2, 3, 4, 0, 0, 0, 5]);
    const view = new DataView(bytes.buffer);
    expect(view.getFloat64(12)).toBe(1.5);
    expect([view.getUint32(20), view.getUint16(24), view.getUint16(26)]).toEqual([3, 0, 1]);
    expect([view.getUint16(28), view.getUint16(30), view.getUint8(32)]).toEqual([640, 480, 3]);
    expect([...bytes.slice(HEADER_BYTES)]).toEqual([98, 111, 98, 7, 7, 7]);
  });

  test("is never longer than a chunk, and the chunks are the frame", () => {
    const whole = frame(0, 100_000, { data: Uint8Array.from({ length: 100_000 }, (_, i) => i % 251) });
    const chunks = Array.from({ length: chunkCount(whole) }, (_, index) => chunk(whole, index));
    expect(Math.max(...chunks.map((bytes) => bytes.byteLength))).toBe(CHUNK_BYTES);
    const joined = chunks.flatMap((bytes) => [...bytes.slice(HEADER_BYTES + 3)]);
    expect(joined).toEqual([...whole.data]);
  });

  test("knows the codecs that Python can use", () => {
    expect(["video/VP8", "video/AV1", "audio/opus", "video/H265", "audio/red"].map(codecOf)).toEqual([
      1,
      3,
      5,
      null,
      null,
    ]);
  });
});

describe("the outlet", () => {
  test("keeps the channel's buffer within its bound and goes on when it drains", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    expect(outlet.send(frame(0, 200_000))).toBe(true);
    expect(pipe.bufferedAmount).toBeLessThanOrEqual(BUFFERED_BYTES);
    expect(pipe.sent).toHaveLength(4);
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.sent).toHaveLength(8);
    expect(outlet.isIdle).toBe(false);
    while (!outlet.isIdle) {
      pipe.bufferedAmount = 0;
      outlet.pump();
    }
    expect(pipe.sent).toHaveLength(chunkCount(frame(0, 200_000)));
  });

  test("lets sound go before pictures that wait", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    outlet.send(frame(0, 80_000));
    outlet.send(frame(9, 100, { kind: "audio", codec: CODECS.opus }));
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order).toEqual([
      "video 0/0",
      "video 0/1",
      "video 0/2",
      "video 0/3",
      "audio 9/0",
      "video 0/4",
    ]);
  });

  test("refuses pictures beyond either bound, but never a single large one", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    expect(outlet.send(frame(0, 2 * WAITING_BYTES))).toBe(true);
    expect(outlet.send(frame(1, 10))).toBe(false);
    outlet.use(new FakePipe());
    expect(outlet.send(frame(2, 80_000))).toBe(true);
    expect(outlet.send(frame(3, 10))).toBe(true);
    now_ms += WAITING_MS + 1;
    expect(outlet.send(frame(4, 10))).toBe(false);
  });

  test("keeps a second of sound at most, the newest", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    pipe.bufferedAmount = BUFFERED_BYTES;
    for (let number = 0; number < WAITING_SOUNDS + 3; number++)
      outlet.send(frame(number, 100, { kind: "audio", codec: CODECS.opus }));
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order).toHaveLength(WAITING_SOUNDS);
    expect(pipe.order[0]).toBe("audio 3/0");
  });

  test("forgets what waits of one person, and finishes what has begun", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    outlet.send(frame(0, 80_000));
    outlet.send(frame(1, 10));
    outlet.send(frame(2, 10, { participant: "carol" }));
    outlet.drop("bob");
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order.slice(4)).toEqual(["video 0/4", "video 2/0"]);
  });
});

/** A receiver's frames by hand. */
class Stream {
  readonly pipe = new FakePipe();
  readonly outlet = new Outlet(() => now_ms);
  readonly askKeyframe = vi.fn();
  readonly askCodecs = vi.fn();
  readonly copier: Copier;
  #timestamp = 0;

  constructor(kind: "audio" | "video" = "video") {
    this.outlet.use(this.pipe);
    this.copier = new Copier({
      participant: "bob",
      kind,
      stream: 0,
      outlet: this.outlet,
      askKeyframe: this.askKeyframe,
      askCodecs: this.askCodecs,
      now: () => now_ms,
    });
  }

  pass(type: "key" | "delta", bytes = 10, mimeType: string | undefined = "video/VP8"): void {
    this.#timestamp += 3000;
    const metadata = {
      rtpTimestamp: this.#timestamp,
      payloadType: 96,
      receiveTime: 5,
      width: 640,
      height: 480,
    };
    const coded: CodedFrame = {
      type,
      data: new ArrayBuffer(bytes),
      getMetadata: () => (mimeType === "" ? metadata : { ...metadata, mimeType }),
    };
    this.copier.take(coded);
  }
}

describe("copying", () => {
  test("is off until it is wanted, and then begins at the keyframe that it asks for", () => {
    const stream = new Stream();
    stream.pass("key");
    expect(stream.askKeyframe).not.toHaveBeenCalled();
    stream.copier.isWanted = true;
    expect(stream.askKeyframe).toHaveBeenCalledTimes(1);
    stream.pass("delta");
    expect(stream.pipe.order).toEqual([]);
    stream.pass("key");
    stream.pass("delta");
    stream.copier.isWanted = false;
    stream.pass("delta");
    expect(stream.pipe.order).toEqual(["video 0/0", "video 1/0"]);
  });

  test("asks again for a keyframe that does not come, once a second", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    for (let i = 0; i < 5; i++) stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(1);
    now_ms += KEYFRAME_MS;
    stream.pass("delta");
    stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(2);
  });

  test("goes on at a keyframe after a full channel; the hole in the numbers says how many were dropped", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key", 80_000);
    now_ms += WAITING_MS + 1; // the channel takes nothing
    stream.pass("delta");
    stream.pass("delta");
    stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(1); // it would arrive old
    while (!stream.outlet.isIdle) {
      stream.pipe.bufferedAmount = 0;
      stream.outlet.pump();
    }
    stream.pipe.bufferedAmount = 0;
    now_ms += KEYFRAME_MS;
    stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(2);
    stream.pass("key");
    expect(stream.pipe.order.at(-1)).toBe("video 5/0");
  });

  test("does not wait for keyframes of sound", () => {
    const stream = new Stream("audio");
    stream.copier.isWanted = true;
    stream.pass("delta", 10, "audio/opus");
    expect(stream.pipe.order).toEqual(["audio 0/0"]);
    expect(stream.askKeyframe).not.toHaveBeenCalled();
  });

  test("asks the page once which codec a payload type is where the browser does not say", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key", 10, "");
    stream.pass("key", 10, "");
    expect(stream.askCodecs).toHaveBeenCalledTimes(1);
    stream.copier.codecs = { 96: "video/VP9" };
    stream.pass("key", 10, "");
    expect(stream.pipe.sent.map((message) => message[2])).toEqual([CODECS.vp9]);
  });

  test("leaves out codecs that Python could do nothing with", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key", 10, "video/H265");
    expect(stream.pipe.sent).toEqual([]);
    expect(stream.askCodecs).not.toHaveBeenCalled();
  });

  test("stops while there is no channel, and begins anew on the next", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key");
    stream.pipe.isOpen = false;
    stream.pass("delta");
    const next = new FakePipe();
    stream.outlet.use(next);
    now_ms += KEYFRAME_MS;
    stream.copier.restart();
    expect(stream.askKeyframe).toHaveBeenCalledTimes(2);
    stream.pass("delta");
    stream.pass("key");
    expect(next.order).toEqual(["video 1/0"]);
  });
});

class FakeWorker implements TapWorker {
  onmessage: TapWorker["onmessage"] = null;
  onerror: TapWorker["onerror"] = null;
  readonly heard: ToWorker[] = [];
  readonly isTransferable: boolean;
  isTerminated = false;

  constructor(isTransferable = true) {
    this.isTransferable = isTransferable;
  }

  postMessage(message: ToWorker): void {
    if (message.type === "channel" && !this.isTransferable) throw new DOMException("kept", "DataCloneError");
    this.heard.push(message);
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

class FakeChannel {
  readyState = "connecting";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onbufferedamountlow: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: unknown[] = [];

  send(message: Uint8Array): void {
    this.sent.push(message);
    this.bufferedAmount += message.byteLength;
  }

  open(): RTCDataChannel {
    return this as unknown as RTCDataChannel;
  }
}

class FakeTransform {
  constructor(
    readonly worker: unknown,
    readonly options: unknown,
  ) {}
}

function receiver(): RTCRtpReceiver & { transform: unknown } {
  const codecs = [{ payloadType: 96, mimeType: "video/VP8" }];
  return { transform: null, getParameters: () => ({ codecs }) } as unknown as RTCRtpReceiver;
}

describe("the tap of a page", () => {
  beforeEach(() => vi.stubGlobal("RTCRtpScriptTransform", FakeTransform));
  afterEach(() => vi.unstubAllGlobals());

  function tapWith(worker: FakeWorker) {
    const [onProblem, onStuck] = [vi.fn(), vi.fn()];
    return { tap: new Tap({ makeWorker: () => worker, onProblem, onStuck }), onProblem, onStuck };
  }

  const ready = (worker: FakeWorker) => worker.onmessage?.({ data: { type: "ready" } } as MessageEvent);

  test("gives its channel away, leads frames through the worker at once, and counts receivers", () => {
    const worker = new FakeWorker();
    const { tap } = tapWith(worker);
    tap.connect(new FakeChannel().open());
    const [first, second] = [receiver(), receiver()];
    tap.watch("bob", first, "video");
    tap.watch("bob", first, "video");
    tap.watch("bob", second, "video");
    tap.setWanted(["bob"]);
    tap.setWanted(["bob"]);
    expect(first.transform).toMatchObject({ options: { participant: "bob", kind: "video", stream: 0 } });
    expect(second.transform).toMatchObject({ options: { stream: 1 } });
    expect(worker.heard.map(({ type }) => type)).toEqual(["channel", "wanted"]);
    tap.close();
    expect(worker.isTerminated).toBe(true);
  });

  test("sends for the worker where the channel cannot go there, and says when it has drained", () => {
    const worker = new FakeWorker(false);
    const { tap } = tapWith(worker);
    const channel = new FakeChannel();
    tap.connect(channel.open());
    expect(worker.heard).toEqual([]);
    channel.readyState = "open";
    channel.onopen?.();
    const data = new Uint8Array(40_000);
    worker.onmessage?.({ data: { type: "message", data } } as MessageEvent);
    expect(channel.sent).toEqual([data]);
    expect(worker.heard.map(({ type }) => type)).toEqual(["relay"]);
    channel.bufferedAmount = 0;
    channel.onbufferedamountlow?.();
    channel.onmessage?.({ data: JSON.stringify({ keyframe: "bob" }) });
    expect(worker.heard.slice(1)).toEqual([
      { type: "taken", bytes: 40_000 },
      { type: "keyframe", participant: "bob" },
    ]);
    channel.onclose?.();
    expect(worker.heard.at(-1)).toEqual({ type: "relay", isOpen: false });
  });

  test("tells the worker the codecs of a receiver", () => {
    const worker = new FakeWorker();
    const { tap } = tapWith(worker);
    tap.watch("bob", receiver(), "video");
    worker.onmessage?.({
      data: { type: "codecs-please", participant: "bob", kind: "video" },
    } as MessageEvent);
    expect(worker.heard).toEqual([
      { type: "codecs", participant: "bob", kind: "video", codecs: { 96: "video/VP8" } },
    ]);
  });

  test("frees the receivers of a worker that may not start, and says why Python gets nothing", () => {
    const worker = new FakeWorker();
    const { tap, onProblem, onStuck } = tapWith(worker);
    tap.watch("bob", receiver(), "video");
    tap.watch("bob", receiver(), "audio");
    worker.onerror?.(new Event("error") as ErrorEvent);
    expect(tap.supported).toBe(false);
    expect(onStuck.mock.calls).toEqual([["bob"]]); // once, whatever of Bob was led through it
    const later = receiver();
    tap.watch("bob", later, "video");
    expect(later.transform).toBeNull();
    tap.setWanted(["you"]);
    expect(onProblem).not.toHaveBeenCalled();
    tap.setWanted(["bob", "you"]);
    tap.setWanted(["bob"]);
    expect(onProblem.mock.calls).toEqual([[expect.stringContaining("content security policy")]]);
  });

  test("begins anew after it was closed, and a new worker knows who is wanted", () => {
    const workers: FakeWorker[] = [];
    const tap = new Tap({
      makeWorker: () => {
        workers.push(new FakeWorker());
        return workers.at(-1) as FakeWorker;
      },
    });
    expect(workers).toHaveLength(0);
    tap.connect(new FakeChannel().open());
    tap.close();
    tap.close();
    tap.setWanted(["bob"]);
    tap.connect(new FakeChannel().open());
    expect(workers).toHaveLength(2);
    expect(workers[1]?.heard.map(({ type }) => type)).toEqual(["wanted", "channel"]);
    tap.close();
  });

  test("an error of a worker that runs already changes nothing", () => {
    const worker = new FakeWorker();
    const { tap, onStuck } = tapWith(worker);
    ready(worker);
    worker.onerror?.(new Event("error") as ErrorEvent);
    expect(tap.supported).toBe(true);
    expect(onStuck).not.toHaveBeenCalled();
  });

  test("a browser without transforms connects people as ever, and says what Python misses", () => {
    vi.unstubAllGlobals();
    const onProblem = vi.fn();
    const tap = new Tap({ onProblem });
    const other = receiver();
    tap.connect(new FakeChannel().open());
    tap.watch("bob", other, "video");
    tap.setWanted(["bob"]);
    expect(tap.supported).toBe(false);
    expect(other.transform).toBeNull();
    expect(onProblem.mock.calls).toEqual([[expect.stringContaining("RTCRtpScriptTransform")]]);
    tap.close();
  });
});
