/** For tests/browser/test_camera_effects.py: a camera led through its effects, and what comes out, frame by frame. */
import { CachedAssets } from "../src/assets";
import { CameraEffects } from "../src/effects/camera-effects";
import type { Effect } from "../src/messages";

/** As `MediaStreamTrackProcessor`, which a test may take away from the page. */
interface Processor {
  readonly readable: ReadableStream<VideoFrame>;
}
const { MediaStreamTrackProcessor: Processing } = window as unknown as {
  MediaStreamTrackProcessor: new (init: { track: MediaStreamTrack }) => Processor;
};

interface Seen {
  /** Number of the track that it came on. */
  track: number;
  /** As it is shown, not as it is stored. */
  width: number;
  height: number;
  timestamp_us: number;
  at_ms: number;
  /** The farthest from gray that a chroma, or a difference from green, is. */
  colour: number;
  /** The largest change of light from one pixel to the next in its row. */
  step: number;
  /** Y, U and V (or green, blue and red) in the middle of each quadrant, row by row. */
  quadrants: number[][];
}

/** Runs in a worker of its own, so that a busy page is no excuse for missing frames. */
function probe(): void {
  const stepOf = (light: Uint8Array, width: number) =>
    light.reduce((most, value, at) => {
      return at % width === 0 ? most : Math.max(most, Math.abs(value - (light[at - 1] as number)));
    }, 0);
  /** Where the middle of each quadrant is in a plane. */
  const middles = (width: number, height: number) =>
    [1, 3].flatMap((row) =>
      [1, 3].map((column) => Math.floor((row * height) / 4) * width + Math.floor((column * width) / 4)),
    );
  /** What a browser without streams of frames sends, out of a canvas. */
  const measureRgb = async (frame: VideoFrame, width: number, height: number) => {
    const rgba = new Uint8Array(4 * width * height);
    await frame.copyTo(rgba, { format: "RGBA" } as VideoFrameCopyToOptions);
    const [red, green, blue] = [0, 1, 2].map((from) => rgba.filter((_, at) => at % 4 === from));
    if (!red || !green || !blue) throw new Error("There are no pixels.");
    const colour = green.reduce((most, value, at) => {
      return Math.max(most, Math.abs(value - (red[at] as number)), Math.abs(value - (blue[at] as number)));
    }, 0);
    const quadrants = middles(width, height).map((at) => [green[at], blue[at], red[at]]);
    return { colour, step: stepOf(green, width), quadrants };
  };
  const measureYuv = async (frame: VideoFrame, width: number, height: number) => {
    const [half, low] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const [y, rest] = [width * height, half * low];
    const data = new Uint8Array(y + 2 * rest);
    const layout = [
      { offset: 0, stride: width },
      { offset: y, stride: half },
      { offset: y + rest, stride: half },
    ];
    await frame.copyTo(data, { layout });
    const colour = data.subarray(y).reduce((most, value) => Math.max(most, Math.abs(value - 128)), 0);
    const chroma = middles(half, low);
    const quadrants = middles(width, height).map((at, one) => {
      const place = y + (chroma[one] as number);
      return [data[at], data[place], data[place + rest]];
    });
    return { colour, step: stepOf(data.subarray(0, y), width), quadrants };
  };
  const measure = async (frame: VideoFrame) => {
    const { visibleRect, displayWidth, displayHeight, timestamp } = frame;
    const { width, height } = visibleRect ?? { width: 0, height: 0 };
    const at_ms = performance.timeOrigin + performance.now();
    // to ask for RGB takes the page's own thread in Chromium
    const found = await (frame.format === "I420" ? measureYuv : measureRgb)(frame, width, height);
    const size = { width: displayWidth, height: displayHeight };
    self.postMessage({ ...size, timestamp_us: timestamp, at_ms, ...found });
  };
  self.onmessage = async ({ data }: MessageEvent<ReadableStream<VideoFrame>>) => {
    const reader = data.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      await measure(next.value);
      next.value.close();
    }
  };
}

/** Every worker of the effects. */
const workers: Worker[] = [];
const RealWorker = Worker;
window.Worker = class extends RealWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    workers.push(this);
  }
};

/** Every track that there ever was. */
const tracks: MediaStreamTrack[] = [];
const { clone } = MediaStreamTrack.prototype;
MediaStreamTrack.prototype.clone = function () {
  const track = clone.call(this);
  tracks.push(track);
  return track;
};

const { requestVideoFrameCallback } = HTMLVideoElement.prototype;

let release: () => void = () => undefined;
let held = Promise.resolve();

async function fetched(name: string): Promise<ArrayBuffer> {
  await held;
  const answer = await fetch(`/static/${name}.gz`);
  if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}.`);
  return new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const troubles: string[] = [];
const effects: CameraEffects = new CameraEffects({
  assets: new CachedAssets(fetched),
  onChange: () => follow(),
  onTrouble: (text) => troubles.push(text),
  onChosen: async (effect) => effects.mirror(effect, ""), // as the state that comes back does
});
let camera: MediaStreamTrack | null = null;
/** What may be seen, one after the other. */
const shown: MediaStreamTrack[] = [];
const frames: Seen[] = [];

function follow(): void {
  const { track } = effects;
  if (track === null || shown.at(-1) === track) return;
  if (!tracks.includes(track)) tracks.push(track);
  watch(track, shown.push(track), frames);
}

function watch(track: MediaStreamTrack, number: number, into: Seen[]): void {
  const worker = new RealWorker(URL.createObjectURL(new Blob([`(${probe})()`])));
  worker.onmessage = ({ data }: MessageEvent<Omit<Seen, "track">>) => into.push({ track: number, ...data });
  const { readable } = new Processing({ track });
  worker.postMessage(readable, [readable]);
}

/** What the other side of a connection receives. */
const received: Seen[] = [];
const ends: RTCPeerConnection[] = [];

/** Send what may be seen to an other end in the same page. */
async function connect(): Promise<void> {
  const { track } = effects;
  if (track === null) throw new Error("There is nothing to send.");
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  ends.push(near, far);
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
  far.ontrack = ({ track: arrived }) => watch(arrived, 0, received);
  near.addTrack(track);
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription as RTCSessionDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription as RTCSessionDescription);
}

/** Pictures each second of the newest `ms` that were received since `from_ms`; null before there is so much. */
function receivedRate(from_ms: number, ms: number): number | null {
  const newest = received.at(-1)?.at_ms ?? 0;
  if (newest - ms < from_ms) return null;
  return (1000 * received.filter(({ at_ms }) => at_ms > newest - ms).length) / ms;
}

/** Another device takes the place of the one before. */
async function open(width: number, height: number): Promise<void> {
  camera?.stop();
  effects.lead(null);
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height } });
  camera = stream.getVideoTracks()[0] ?? null;
  if (camera !== null) tracks.push(camera);
  effects.lead(camera);
  follow();
}

/** What is looked at, as in a menu: a round of previews has canvases of its own. */
let wanted: readonly Effect["name"][] = [];
let previews = new AbortController();

effects.previewRound.subscribe((round) => {
  previews.abort();
  previews = new AbortController();
  for (const name of wanted) {
    document.getElementById(name)?.remove();
    if (round > 0) preview(name, previews.signal);
  }
});

function preview(name: Effect["name"], signal: AbortSignal): void {
  const canvas = document.createElement("canvas");
  canvas.id = name;
  document.body.append(canvas);
  effects.preview(canvas, { name, strength: null }, signal);
}

/** Mean red, green and blue of a preview. */
function previewed(name: string): number[] {
  const canvas = document.getElementById(name) as HTMLCanvasElement | null;
  if (canvas === null) return [0, 0, 0, 0, 0];
  const copy = document.createElement("canvas");
  const { width, height } = Object.assign(copy, { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d") as CanvasRenderingContext2D;
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const sums = [0, 0, 0];
  data.forEach((value, at) => {
    if (at % 4 < 3) sums[at % 4] = (sums[at % 4] as number) + value;
  });
  return [...sums.map((sum) => sum / (width * height)), width, height];
}

async function colouredPicture(colour: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  context.fillStyle = colour;
  context.fillRect(0, 0, 64, 64);
  return canvas.convertToBlob();
}

/** The page does nothing else for so long; from when to when. */
function block(ms: number): number[] {
  const began_ms = performance.timeOrigin + performance.now();
  let now_ms = began_ms;
  while (now_ms < began_ms + ms) now_ms = performance.timeOrigin + performance.now();
  return [began_ms, now_ms];
}

/** As a browser without streams of frames. */
function lackStreams(): void {
  for (const name of ["MediaStreamTrackProcessor", "MediaStreamTrackGenerator"]) {
    Reflect.deleteProperty(window, name);
  }
}

let waiting: (() => void)[] = [];

/** As in a tab that nobody looks at, or in one that somebody looks at again. */
function hide(isHidden: boolean): void {
  Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    if (!isHidden) return requestVideoFrameCallback.call(this, callback);
    return waiting.push(() => this.requestVideoFrameCallback(callback));
  };
  if (isHidden) return;
  for (const ask of waiting) ask();
  waiting = [];
}

Object.assign(window, {
  stage: {
    troubles,
    frames,
    open,
    block,
    previewed,
    lackStreams,
    hide,
    hold: () => {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
    choose: (name: Effect["name"], strength: number | null = null) => effects.choose({ name, strength }),
    chooseBackground: async (colour: string) => effects.chooseBackground(await colouredPicture(colour)),
    constrain: (width: number, height: number) => camera?.applyConstraints({ width, height }),
    received,
    connect,
    receivedRate,
    now: () => performance.timeOrigin + performance.now(),
    preview: (...names: Effect["name"][]) => {
      wanted = names;
      for (const name of names) preview(name, previews.signal);
    },
    endPreviews: () => {
      wanted = [];
      previews.abort();
      previews = new AbortController();
    },
    crash: () => workers.at(-1)?.dispatchEvent(new ErrorEvent("error", { message: "out of memory" })),
    close: () => {
      for (const end of ends) end.close();
      effects.close();
      camera?.stop();
    },
    status: () => effects.status.value,
    /** How many frames there are of the newest track. */
    count: () => frames.filter(({ track }) => track === shown.length).length,
    isRaw: () => effects.track === camera,
    isShown: () => effects.track !== null,
    tracks: () => shown.length,
    live: () => tracks.filter(({ readyState }) => readyState === "live").length,
  },
});
