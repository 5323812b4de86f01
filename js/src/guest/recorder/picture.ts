/**
 * One picture of everybody, drawn to a canvas whose stream is recorded: a recorder takes no other track than it began
 * with, and people's tracks change with every reconnection, camera and screen.
 */
import type { RecordingLayout } from "../../messages";
import type { Box } from "../../ui/grid";
import { initialsOf } from "../../ui/seats";
import { arrange, contain, cover, FRAME, HEIGHT, type Placed, WIDTH } from "./arrangement";
import type { Screens } from "./screens";
import type { Scene, Source } from "./source";

const BACKGROUND = "#111316";
const PLACE = "#24282e";
const AVATAR = "#3b4754";
const TEXT = "#ffffff";
const CAPTION = "rgba(0, 0, 0, 0.6)";
const FONT = "system-ui, sans-serif";
export class Picture {
  readonly track: MediaStreamTrack;
  readonly #context: CanvasRenderingContext2D;
  readonly #screens: Screens;
  readonly #isCaptioned: boolean;

  /** Throws where the browser cannot record a canvas. */
  constructor(screens: Screens, isCaptioned: boolean) {
    this.#screens = screens;
    this.#isCaptioned = isCaptioned;
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    // what is drawn is never looked through
    const context = canvas.getContext("2d", { alpha: false });
    const track = canvas.captureStream().getVideoTracks()[0];
    if (context === null || track === undefined) throw new Error("This browser cannot record a canvas.");
    this.#context = context;
    this.track = track;
    this.draw({ sources: [], speaking: null }, null);
  }

  draw({ sources, speaking }: Scene, layout: RecordingLayout | null): void {
    const context = this.#context;
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    for (const place of arrange(layout, sources, speaking)) {
      const source = sources.find(({ id }) => id === place.id);
      if (source !== undefined) this.#person(source, place);
    }
  }

  /** Idempotent. */
  close(): void {
    this.track.stop();
  }

  #person(source: Source, { box, isInset }: Placed): void {
    const context = this.#context;
    if (isInset) {
      context.fillStyle = TEXT;
      context.fillRect(box.left - FRAME, box.top - FRAME, box.width + 2 * FRAME, box.height + 2 * FRAME);
    }
    const video = this.#screens.of(source);
    if (video === null) this.#avatar(source.name, box);
    else if (isInset && !source.isScreen) {
      const part = cover({ width: video.videoWidth, height: video.videoHeight }, box);
      const from = [part.left, part.top, part.width, part.height] as const;
      context.drawImage(video, ...from, box.left, box.top, box.width, box.height);
    } else {
      context.fillStyle = "#000000";
      context.fillRect(box.left, box.top, box.width, box.height);
      const part = contain({ width: video.videoWidth, height: video.videoHeight }, box);
      context.drawImage(video, part.left, part.top, part.width, part.height);
    }
    if (this.#isCaptioned) this.#caption(source.name, box);
  }

  #avatar(name: string, { left, top, width, height }: Box): void {
    const context = this.#context;
    context.fillStyle = PLACE;
    context.fillRect(left, top, width, height);
    const radius = Math.min(width, height) * 0.18;
    const [x, y] = [left + width / 2, top + height / 2];
    context.fillStyle = AVATAR;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = TEXT;
    context.font = `600 ${Math.round(radius * 0.8)}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(initialsOf(name), x, y);
  }

  #caption(name: string, { left, top, width, height }: Box): void {
    const context = this.#context;
    const size = height >= 400 ? 20 : 14;
    context.font = `500 ${size}px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const inside = width - 4 * size;
    const text = shorten(name, (tried) => context.measureText(tried).width <= inside);
    const high = Math.round(size * 1.7);
    const [x, y] = [left + size / 2, top + height - high - size / 2];
    context.fillStyle = CAPTION;
    context.fillRect(x, y, context.measureText(text).width + size, high);
    context.fillStyle = TEXT;
    context.fillText(text, x + size / 2, y + high / 2);
  }
}

/** The name, or as much of it as fits. */
function shorten(name: string, fits: (text: string) => boolean): string {
  if (fits(name)) return name;
  const characters = [...name];
  while (characters.length > 1 && !fits(`${characters.join("")}…`)) characters.pop();
  return `${characters.join("")}…`;
}
