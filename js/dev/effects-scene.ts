/** Effects of the demo page: `?with=sepia&strength=0.4&effect-state=preparing&source=figure&sound=robot()&playing`. */
import type { EffectStatus } from "../src/contract";
import type { EffectName } from "../src/messages";
import type { ShownPreview } from "./fake-effects";
import type { FakeSession } from "./fake-session";
import { picture } from "./pictures";

/** Near enough to the real ones to see whether the tiles can be told apart. */
const filters: Record<EffectName, string> = {
  none: "none",
  blur: "blur(4px)",
  background: "hue-rotate(90deg)",
  grayscale: "grayscale(1)",
  sepia: "sepia(1)",
  invert: "invert(1)",
  brightness: "brightness(1.5)",
  contrast: "contrast(1.8)",
  pixelate: "none",
  edge: "grayscale(1) invert(1) contrast(3)",
  mirror: "none",
};

const texts: Partial<Record<EffectStatus["state"], string>> = {
  preparing: "Telling you from the background… Until then the whole picture is blurred.",
  failed:
    "You could not be told from the background (the model did not load), so the whole picture is blurred.",
};

function painter(): (preview: ShownPreview) => void {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = picture("camera");
  void video.play();
  return ({ canvas, effect: { name } }) => {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("This browser draws no canvas: the demo page needs one.");
    const { width, height } = canvas;
    context.filter = filters[name];
    context.setTransform(name === "mirror" ? -1 : 1, 0, 0, 1, name === "mirror" ? width : 0, 0);
    context.drawImage(video, 0, 0, width, height);
    if (name !== "pixelate") return;
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, width / 8, height / 8);
    context.drawImage(canvas, 0, 0, width / 8, height / 8, 0, 0, width, height);
  };
}

export function addEffects(session: FakeSession, query: URLSearchParams): void {
  const { effects } = session;
  effects.paint = painter();
  effects.hasBackground.value = query.has("has-background");
  effects.refusal = query.get("refusal") ?? "";
  effects.unavailable = query.has("no-effects")
    ? "This browser cannot change the camera's picture: it lacks VideoFrame and requestVideoFrameCallback."
    : "";
  const name = (query.get("with") ?? "none") as EffectName;
  const state = (query.get("effect-state") ?? (name === "none" ? "off" : "running")) as EffectStatus["state"];
  const isRunning = state === "running";
  effects.status.value = {
    state,
    text: texts[state] ?? "",
    fps: isRunning ? 29.6 : null,
    frame_ms: isRunning ? 4.2 : null,
  };
  const now = session.state.value;
  if (now === null) return;
  session.state.value = {
    ...now,
    effect: { name, strength: query.has("strength") ? Number(query.get("strength")) : null },
    videoSource: query.get("source"),
    audioEffect: query.get("sound"),
    playing: query.has("playing"),
  };
}
