/** For tests/browser/test_person.py: a picture in the place of the camera, led through the effects that need the person. */
import { CachedAssets } from "../src/assets";
import { CameraEffects } from "../src/effects/camera-effects";
import type { Graphics } from "../src/effects/segmenter";
import type { Effect } from "../src/messages";

async function fetched(name: string): Promise<ArrayBuffer> {
  const answer = await fetch(`/static/${name}.gz`);
  if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}.`);
  return new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

declare const NBRTC_EFFECTS_WORKER: string;

/** Goes before the worker's own script: takes the graphics processor away when it is told to. */
function breakable(): void {
  const contexts: WebGL2RenderingContext[] = [];
  const { getContext } = OffscreenCanvas.prototype;
  OffscreenCanvas.prototype.getContext = function (this: OffscreenCanvas, kind: string, options?: unknown) {
    const context = Reflect.apply(getContext, this, [kind, options]);
    if (kind === "webgl2" && context !== null && !contexts.includes(context)) contexts.push(context);
    return context;
  } as typeof getContext;
  self.addEventListener("message", ({ data }) => {
    if (data.type !== "lose") return;
    for (const context of contexts) context.getExtension("WEBGL_lose_context")?.loseContext();
  });
}

const workers: Worker[] = [];

function makeWorker(): Worker {
  const script = new Blob([`(${breakable})();\n`, NBRTC_EFFECTS_WORKER], { type: "text/javascript" });
  workers.push(new Worker(URL.createObjectURL(script)));
  return workers.at(-1) as Worker;
}

/** Every finder and state that there was, in turn. */
const history: string[] = [];
const troubles: string[] = [];
const effects: CameraEffects = new CameraEffects({
  assets: new CachedAssets(fetched),
  makeWorker,
  graphics: (new URLSearchParams(location.search).get("graphics") ?? "auto") as Graphics,
  onChange: () => follow(),
  onTrouble: (text) => troubles.push(text),
  onChosen: async (effect) => effects.mirror(effect, ""), // as the state that comes back does
});
const video = document.createElement("video");
video.muted = true;
document.body.append(video);

/** What may be seen is shown. */
function follow(): void {
  const { track } = effects;
  const shown = (video.srcObject as MediaStream | null)?.getVideoTracks()[0] ?? null;
  if (shown === track) return;
  video.srcObject = track === null ? null : new MediaStream([track]);
  if (track !== null) void video.play().catch(() => undefined); // interrupted by the next track
}

/** A camera sees this picture, as wide as it is, from its top on. */
async function open(url: string, width: number, height: number): Promise<void> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const draw = () => context.drawImage(image, 0, 0, width, (width * image.height) / image.width);
  draw();
  setInterval(draw, 66);
  effects.lead(canvas.captureStream().getVideoTracks()[0] ?? null);
  follow();
}

function choose(name: Effect["name"], strength: number | null = null): void {
  effects.choose({ name, strength });
  follow();
}

/** What is seen after so many more pictures, as a PNG in a data URL. */
async function picture(after: number): Promise<string> {
  for (let number = 0; number < after; number++) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  }
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return canvas.toDataURL();
}

/** A picture of two colours, left and right, as large as that. */
async function chooseBackground(left: string, right: string, width: number, height: number): Promise<void> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  context.fillStyle = left;
  context.fillRect(0, 0, width / 2, height);
  context.fillStyle = right;
  context.fillRect(width / 2, 0, width / 2, height);
  await effects.chooseBackground(await canvas.convertToBlob());
  follow();
}

effects.status.subscribe(({ state, finder }) => {
  const now = finder === undefined ? state : `${state} ${finder.processor}`;
  if (history.at(-1) !== now) history.push(now);
});

Object.assign(window, {
  person: {
    open,
    choose,
    picture,
    chooseBackground,
    troubles,
    history,
    status: () => effects.status.value,
    loseGraphics: () => workers.at(-1)?.postMessage({ type: "lose" }),
  },
});
