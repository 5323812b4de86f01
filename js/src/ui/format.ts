/** Numbers as a person reads them, with their units. */
import type { Quality } from "../messages";

const unknown = "–";

const fixed = (value: number): string => (value === 0 ? "0" : value.toFixed(value < 10 ? 1 : 0));

export function bitrateText(bitrate_bps: number | null): string {
  if (bitrate_bps === null) return unknown;
  if (bitrate_bps >= 1e6) return `${fixed(bitrate_bps / 1e6)} Mbps`;
  return `${Math.round(bitrate_bps / 1e3)} kbps`;
}

export const fpsText = (fps: number | null): string => (fps === null ? unknown : `${Math.round(fps)} fps`);

export const millisecondsText = (ms: number | null): string => (ms === null ? unknown : `${fixed(ms)} ms`);

export const percentText = (percent: number | null): string =>
  percent === null ? unknown : `${fixed(percent)} %`;

export const pixelsText = (pixels: number | null): string =>
  pixels === null ? unknown : `${Math.round(pixels)} px`;

/** `0:07`, `12:30`, `1:00:05`. */
export function elapsedText(elapsed_s: number): string {
  const whole = Math.max(0, Math.floor(elapsed_s));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const tail = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

export const sizeText = (quality: Pick<Quality, "width" | "height" | "fps">): string =>
  `${quality.width} × ${quality.height}, ${Math.round(quality.fps)} fps`;

/** `Medium`, or the size of a quality that the user made up. */
export const qualityText = (quality: Quality): string =>
  quality.name === null ? sizeText(quality) : quality.name.charAt(0).toUpperCase() + quality.name.slice(1);

const clock = new Intl.DateTimeFormat([], {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The time of day to the second, short enough for the axis of a chart. */
export const clockText = (time_s: number): string => clock.format(time_s * 1000);

/** `45 s`, `10 min`, `1.5 h`. */
export function spanText(span_s: number): string {
  if (span_s < 120) return `${Math.round(span_s)} s`;
  if (span_s < 5400) return `${Math.round(span_s / 60)} min`;
  return `${fixed(span_s / 3600)} h`;
}

/** `640 kB`, `48 MB`, `1.2 GB`: a thousand bytes are a kilobyte, as file managers count. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${fixed(bytes / 1e9)} GB`;
  if (bytes >= 1e6) return `${fixed(bytes / 1e6)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}

/** "Ada, Bob and Chloé". */
export const listText = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** The time of day as this person writes it. */
export const timeText = (time_s: number): string =>
  new Date(time_s * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
