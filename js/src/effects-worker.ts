/**
 * The worker of the camera's effects: every picture of the camera passes through here before anybody sees it. A worker,
 * so that neither a busy page nor a hidden one holds pictures up. `effects/camera-effects.ts` is its other half.
 */

import { PersonTools } from "./effects/person-tools";
import { Pipeline } from "./effects/pipeline";
import { Previews } from "./effects/previews";
import type { FromWorker, ToWorker, WorkerStatus } from "./effects/protocol";
import type { Finder, Graphics } from "./effects/segmenter";
import type { Effect } from "./messages";
import { type Resolvers, withResolvers } from "./with-resolvers";

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = self as unknown as WorkerScope;
const awaited = new Map<string, Resolvers<ArrayBuffer>>();
const UNMEASURED = { fps: null, frame_ms: null };
let effect: Effect["name"] = "none";
/** How far the person can be told from the background; it counts for the effects that have to. */
let person: Pick<WorkerStatus, "state" | "text"> = { state: "running", text: "" };
/** Why no pictures come out. */
let trouble = "";
let measured: Pick<WorkerStatus, "fps" | "frame_ms"> = UNMEASURED;
let base: string | null = null;
let graphics: Graphics = "auto";
let finder: Finder | null = null;
let clock: ReturnType<typeof setInterval> | undefined;

const tools = new PersonTools({
  fetch: (name) => {
    const known = awaited.get(name);
    if (known !== undefined) return known.promise;
    const asked = withResolvers<ArrayBuffer>();
    awaited.set(name, asked);
    scope.postMessage({ type: "asset-please", name });
    return asked.promise;
  },
  base: () => base,
  graphics: () => graphics,
  onStatus: (state, text) => {
    person = { state, text };
    if (state !== "running") finder = null;
    say();
  },
  onFinder: (found) => {
    finder = found;
    say();
  },
});
const pipeline = new Pipeline({
  tools,
  onMeasured: (figures) => {
    measured = figures;
    say();
  },
  onTrouble: (text) => {
    trouble = text;
    say();
  },
});
const previews = new Previews(tools.previews, (text) => scope.postMessage({ type: "preview-failed", text }));

function say(): void {
  const needsPerson = effect === "blur" || effect === "background";
  const works = needsPerson ? person : { state: "running" as const, text: "" };
  const state = trouble === "" ? works : { state: "failed" as const, text: trouble };
  const found = needsPerson && finder !== null ? { finder } : {};
  scope.postMessage({ type: "status", status: { ...state, ...measured, ...found } });
}

function failPreviews(error: unknown): void {
  scope.postMessage({ type: "preview-failed", text: `The previews of the effects stopped (${error}).` });
}

function take(message: ToWorker): void {
  switch (message.type) {
    case "run":
      void pipeline.run(message.readable, message.writable);
      break;
    case "frame":
      void pipeline.process(message.frame).then((frame) => {
        scope.postMessage({ type: "frame", frame }, frame === null ? [] : [frame]);
      });
      break;
    case "stop":
      pipeline.stop();
      clearInterval(clock);
      clock = undefined;
      break;
    case "effect":
      effect = message.effect.name;
      measured = UNMEASURED;
      pipeline.use(message.effect);
      say();
      break;
    case "background":
      tools.setBackground(message.picture);
      break;
    case "asset": {
      const asked = awaited.get(message.name);
      awaited.delete(message.name);
      if (message.bytes !== null) asked?.resolve(message.bytes);
      else asked?.reject(new Error(message.error));
      break;
    }
    case "previews-run":
      previews.run(message.readable).catch(failPreviews);
      break;
    case "previews-frame":
      previews
        .show(message.frame)
        .catch(failPreviews)
        .finally(() => scope.postMessage({ type: "previews-ready" }));
      break;
    case "preview":
      previews.add(message.id, message.canvas, message.effect);
      break;
    case "preview-end":
      previews.remove(message.id);
      break;
    case "base":
      ({ base, graphics } = message);
      break;
    case "clock":
      clearInterval(clock);
      clock = undefined;
      if (message.fps > 0) clock = setInterval(() => scope.postMessage({ type: "tick" }), 1000 / message.fps);
  }
}

scope.onmessage = ({ data }) => take(data);
scope.postMessage({ type: "ready" });
