/** A plain page for tests/browser/test_effect_pictures.py: pictures of the test's go through an effect, unencoded. */
import { FrameReader, toFrame } from "../src/effects/frame";
import { operationOf } from "../src/effects/operations";
import { orientationOf } from "../src/effects/orientation";
import { Pipeline } from "../src/effects/pipeline";
import type { Effect } from "../src/messages";

interface Given {
  readonly format: VideoPixelFormat;
  readonly width: number;
  readonly height: number;
  /** Base64. */
  readonly data: string;
  readonly colorSpace: VideoColorSpaceInit;
  readonly visibleRect?: DOMRectInit;
}

interface Seen {
  readonly width: number;
  readonly height: number;
  /** RGBA in base64, as the browser shows it. */
  readonly before: string;
  readonly after: string;
  readonly colorSpaces: readonly VideoColorSpaceInit[];
  readonly timestamps: readonly number[];
  readonly durations: readonly (number | null)[];
}

const reader = new FrameReader();
const tools = {
  person: () => {
    throw new Error("This page tells nobody from the background.");
  },
};

/** Through the effect, as in a call. */
async function change(given: Given, effect: Effect): Promise<Seen> {
  const { data, visibleRect, ...rest } = given;
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const frame = new VideoFrame(bytes, {
    ...rest,
    ...(visibleRect === undefined ? {} : { visibleRect }),
    codedWidth: given.width,
    codedHeight: given.height,
    timestamp: 123_456,
    duration: 33_333,
  });
  return await compare(frame, effect);
}

async function compare(frame: VideoFrame, effect: Effect): Promise<Seen> {
  const planes = await reader.read(frame);
  const operation = operationOf(effect, tools);
  const changed = toFrame(operation?.apply(planes, 0) ?? planes, frame);
  operation?.close();
  const frames = [frame, changed];
  const seen = {
    width: changed.visibleRect?.width ?? 0,
    height: changed.visibleRect?.height ?? 0,
    before: await pixels(frame),
    after: await pixels(changed),
    colorSpaces: frames.map((one) => one.colorSpace.toJSON()),
    timestamps: frames.map((one) => one.timestamp),
    durations: frames.map((one) => one.duration),
  };
  for (const one of frames) one.close();
  return seen;
}

async function pixels(frame: VideoFrame): Promise<string> {
  const options = { format: "RGBA" } as VideoFrameCopyToOptions;
  const bytes = new Uint8Array(frame.allocationSize(options));
  await frame.copyTo(bytes, options);
  return base64(bytes);
}

function base64(bytes: Uint8Array | Uint8ClampedArray): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

interface Shown {
  /** RGBA in base64 of the frame as it is shown, before and after. */
  readonly before: string;
  readonly after: string;
  readonly width: number;
  readonly height: number;
  /** As the new frame says. */
  readonly rotation: number;
  readonly flip: boolean;
}

/** A picture that is stored lying or mirrored, through the worker's pipeline. */
async function turn(given: Given, effect: Effect, rotation: number, flip: boolean): Promise<Shown> {
  const { format, width: codedWidth, height: codedHeight, colorSpace, data } = given;
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const init = { format, codedWidth, codedHeight, colorSpace, timestamp: 123_456, rotation, flip };
  const frame = new VideoFrame(bytes, init as VideoFrameBufferInit);
  const { displayWidth: width, displayHeight: height } = frame;
  const before = drawn(frame);
  const pipeline = new Pipeline({
    tools,
    onMeasured: () => undefined,
    onTrouble: (text) => {
      if (text !== "") throw new Error(text);
    },
  });
  pipeline.use(effect);
  const changed = await pipeline.process(frame);
  if (changed === null) throw new Error("The picture was left out.");
  if (changed.displayWidth !== width || changed.displayHeight !== height) {
    throw new Error(`It is shown as ${changed.displayWidth}x${changed.displayHeight}.`);
  }
  const after = drawn(changed);
  const said = orientationOf(changed);
  changed.close();
  return { before, after, width, height, ...said };
}

/** What somebody sees. */
function drawn(frame: VideoFrame): string {
  const context = new OffscreenCanvas(frame.displayWidth, frame.displayHeight).getContext("2d");
  if (context === null) throw new Error("This browser draws no canvas.");
  context.drawImage(frame, 0, 0);
  return base64(context.getImageData(0, 0, frame.displayWidth, frame.displayHeight).data);
}

interface Processor {
  readonly readable: ReadableStream<VideoFrame>;
}

declare const MediaStreamTrackProcessor: new (init: { readonly track: MediaStreamTrack }) => Processor;

/** A picture of the camera. */
async function camera(effect: Effect): Promise<Seen> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const [track] = stream.getVideoTracks();
  if (track === undefined) throw new Error("There is no camera.");
  const pictures = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const { value: frame } = await pictures.read();
  if (frame === undefined) throw new Error("The camera ended before its first picture.");
  const seen = await compare(frame, effect);
  await pictures.cancel();
  track.stop();
  return seen;
}

Object.assign(window, { page: { change, camera, turn } });
