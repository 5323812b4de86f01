import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Tap, type TapWorker } from "../src/tap";
import { askCaptureTimes } from "../src/tap/capture-time";
import { type CodedFrame, Copier, KEYFRAME_MS, REQUEST_MS } from "../src/tap/copier";
import { CHUNK_BYTES, CODECS, chunk, chunkCount, codecOf, HEADER_BYTES, understand } from "../src/tap/format";
import { Outlet, WAITING_MS } from "../src/tap/outlet";
import type { ToWorker } from "../src/tap-worker";
import { FakePipe, frame } from "./fake-pipe";

let now_ms = 0;

beforeEach(() => {
  now_ms = 1000;
});

describe("a message", () => {
  test("has the documented layout", () => {
    const whole = frame(0x01020304, 3, { stream: 258, isKeyframe: true, timestamp: 2 ** 32 + 5 });
    const bytes = chunk(whole, 0, { sent_ms: 3.5, isKept: true });
    expect([...bytes.slice(0, 12)]).toEqual([2, 7, 1, 2, 1, 2, 3, 4, 0, 0, 0, 5]);
    const view = new DataView(bytes.buffer);
    expect([view.getFloat64(12), view.getFloat64(20), view.getFloat64(28)]).toEqual([1.5, -2.5, 3.5]);
    expect([view.getUint32(36), view.getUint16(40), view.getUint16(42)]).toEqual([3, 0, 1]);
    expect([view.getUint16(44), view.getUint16(46), view.getUint8(48)]).toEqual([640, 480, 3]);
    expect([...bytes.slice(HEADER_BYTES)]).toEqual([98, 111, 98, 7, 7, 7]);
  });

  test("is never longer than a chunk, and the chunks are the frame", () => {
    const whole = frame(0, 100_000, { data: Uint8Array.from({ length: 100_000 }, (_, i) => i % 251) });
    const chunks = Array.from({ length: chunkCount(whole) }, (_, index) =>
      chunk(whole, index, { sent_ms: 0, isKept: false }),
    );
    expect(Math.max(...chunks.map((bytes) => bytes.byteLength))).toBe(CHUNK_BYTES);
    const joined = chunks.flatMap((bytes) => [...bytes.slice(HEADER_BYTES + 3)]);
    expect(joined).toEqual([...whole.data]);
  });

  test("of the engine says what it wants and what it has", () => {
    expect(understand('{"keyframe": "bob"}')).toEqual({ keyframe: "bob", have: [] });
    expect(understand('{"have": [["bob", "audio", 1, 5]]}')).toEqual({
      keyframe: null,
      have: [{ participant: "bob", kind: "audio", stream: 1, number: 5 }],
    });
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

/** A receiver's frames by hand. */
class Stream {
  readonly pipe = new FakePipe();
  readonly outlet = new Outlet(() => now_ms);
  readonly askKeyframe = vi.fn();
  readonly askCodecs = vi.fn();
  readonly copier: Copier;
  captureTime: number | null = 4;
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
      ...(this.captureTime === null ? {} : { captureTime: this.captureTime }),
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

  test("a keyframe that Python asks for is asked of the sender at once", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key");
    now_ms += REQUEST_MS;
    stream.copier.requestKeyframe();
    stream.copier.requestKeyframe();
    expect(stream.askKeyframe).toHaveBeenCalledTimes(2);
  });

  test("says when a frame was captured where the browser does", () => {
    const stream = new Stream();
    stream.copier.isWanted = true;
    stream.pass("key");
    stream.captureTime = null;
    stream.pass("delta");
    const [captured, unknown] = stream.pipe.sent.map((bytes) => new DataView(bytes.buffer).getFloat64(20));
    expect(captured).toBeCloseTo(performance.timeOrigin + 4, 3);
    expect(unknown).toBeNaN();
  });

  test("goes on without a hole over a lost channel while it is recorded", () => {
    const stream = new Stream();
    stream.outlet.setRecorded(new Set(["bob"]));
    stream.copier.isWanted = true;
    stream.pass("key");
    stream.pipe.isOpen = false;
    stream.pass("delta");
    stream.copier.end(); // and the connection to Bob ended, too
    const next = new FakePipe();
    stream.outlet.use(next);
    stream.outlet.pump();
    expect(next.order).toEqual(["video 0/0", "video 1/0"]);
  });

  test("goes on at a keyframe after a full buffer, which it asks for once there is room", () => {
    const stream = new Stream();
    stream.outlet.setRecorded(new Set(["bob"]));
    stream.copier.isWanted = true;
    stream.pipe.isOpen = false;
    stream.pass("key", 1_000_000);
    for (let i = 0; i < 20; i++) stream.pass("delta", 1_000_000);
    now_ms += KEYFRAME_MS;
    stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(1);
    stream.pipe.isOpen = true;
    stream.pipe.drain(stream.outlet);
    stream.pass("delta");
    expect(stream.askKeyframe).toHaveBeenCalledTimes(2);
    stream.pipe.bufferedAmount = 0;
    stream.pass("key");
    expect(stream.pipe.order.at(-1)).toBe("video 23/0");
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
    stream.pipe.drain(stream.outlet);
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

  test("leaves out padding, which is no frame, without a hole in the numbers", () => {
    const stream = new Stream("audio");
    stream.outlet.setRecorded(new Set(["bob"]));
    stream.copier.isWanted = true;
    for (const bytes of [10, 0, 10, 0]) stream.pass("delta", bytes, "audio/opus");
    expect(stream.pipe.order).toEqual(["audio 0/0", "audio 1/0"]);
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

describe("capture times", () => {
  const uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

  test("are asked for beside what is negotiated anyway, once", () => {
    let extensions = [
      { uri: "urn:ietf:params:rtp-hdrext:sdes:mid", direction: "sendrecv" },
      { uri, direction: "stopped" },
    ];
    const set = vi.fn((changed: typeof extensions) => {
      extensions = changed;
    });
    const transceiver = {
      getHeaderExtensionsToNegotiate: () => structuredClone(extensions),
      setHeaderExtensionsToNegotiate: set,
    } as unknown as RTCRtpTransceiver;
    askCaptureTimes(transceiver);
    askCaptureTimes(transceiver);
    expect(set).toHaveBeenCalledTimes(1);
    expect(extensions.map(({ direction }) => direction)).toEqual(["sendrecv", "sendrecv"]);
  });

  test("are done without where the browser does not know them", () => {
    const set = vi.fn();
    askCaptureTimes({} as RTCRtpTransceiver);
    askCaptureTimes({
      getHeaderExtensionsToNegotiate: () => [],
      setHeaderExtensionsToNegotiate: set,
    } as unknown as RTCRtpTransceiver);
    expect(set).not.toHaveBeenCalled();
  });
});

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
    tap.setRecorded(["bob"]);
    tap.setRecorded(["bob"]);
    tap.setWanted(["bob"]);
    tap.setWanted(["bob"]);
    expect(first.transform).toMatchObject({ options: { participant: "bob", kind: "video", stream: 0 } });
    expect(second.transform).toMatchObject({ options: { stream: 1 } });
    expect(worker.heard.map(({ type }) => type)).toEqual(["channel", "recorded", "wanted"]);
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
    const late = new Uint8Array(3); // for a channel before this one
    worker.onmessage?.({ data: { type: "message", data: late, channel: 0 } } as MessageEvent);
    worker.onmessage?.({ data: { type: "message", data, channel: 1 } } as MessageEvent);
    expect(channel.sent).toEqual([data]);
    expect(worker.heard.map(({ type }) => type)).toEqual(["relay"]);
    channel.bufferedAmount = 0;
    channel.onbufferedamountlow?.();
    channel.onmessage?.({ data: JSON.stringify({ keyframe: "bob" }) });
    expect(worker.heard.slice(1)).toEqual([
      { type: "taken", bytes: 40_000 },
      { type: "said", text: '{"keyframe":"bob"}' },
    ]);
    channel.onclose?.();
    expect(worker.heard.at(-1)).toEqual({ type: "relay", isOpen: false, channel: 1 });
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
    tap.setRecorded(["bob"]);
    tap.setWanted(["bob"]);
    tap.connect(new FakeChannel().open());
    expect(workers).toHaveLength(2);
    expect(workers[1]?.heard.map(({ type }) => type)).toEqual(["recorded", "wanted", "channel"]);
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
