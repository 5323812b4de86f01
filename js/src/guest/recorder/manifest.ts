/**
 * What a folder of separate files says about itself, as recordings/manifest.py reads it: with it `nbrtc.compose` makes any
 * film of a guest's recording. Times are milliseconds since the recording began. Pure.
 */
import type { Format } from "./formats";

/** Of a file of its folder; among the downloads the recording's title is before it. */
export const MANIFEST = "manifest";
export const JSON_SUFFIX = ".json";

const VERSION = 1;
const MADE_BY = "nbrtc guest page";
/** Whoever was asked so soon was there at the start. */
const START_MS = 100;

const VIDEO: readonly (readonly [RegExp, string])[] = [
  [/\bvp0?9/, "VP9"],
  [/\bav01|\bav1/, "AV1"],
  [/\bavc[13]|\bh264/, "H264"],
  [/\bvp0?8/, "VP8"],
];

/** One film of one person, from opening to its end. */
export interface Take {
  readonly id: string;
  readonly name: string;
  readonly asked_ms: number;
  readonly file: string;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly size_bytes: number;
  readonly width: number;
  readonly height: number;
  /** When they left; null: they stayed. */
  readonly left_ms: number | null;
  /** When a screen was shared instead of the camera's picture, and when no longer. */
  readonly screens: readonly Switch[];
}

export interface Switch {
  readonly time_ms: number;
  readonly on: boolean;
}

/** Somebody of whom there is no file. */
export interface LeftOut {
  readonly id: string;
  readonly name: string;
  readonly asked_ms: number;
}

export interface Whole {
  readonly id: string;
  readonly startedAt_s: number;
  readonly duration_ms: number;
  readonly room: string;
  /** Who recorded. */
  readonly name: string;
  readonly error: string;
  readonly format: Format;
  readonly takes: readonly Take[];
  readonly leftOut: readonly LeftOut[];
}

export function manifestText(whole: Whole): string {
  const [video, audio] = codecsOf(whole.format);
  const ended = new Map<string, number>(); // whoever came again was asked when they came
  const people = whole.takes.map((take) => {
    const joined_ms = joinedAt(take.asked_ms, ended.get(take.id));
    if (take.left_ms !== null) ended.set(take.id, take.left_ms);
    return {
      id: take.id,
      name: take.name,
      joined_ms,
      left_ms: rounded(take.left_ms),
      acknowledged_ms: rounded(take.start_ms),
      pieces: [
        {
          file: take.file,
          start_ms: rounded(take.start_ms),
          duration_ms: rounded(take.duration_ms),
          size_bytes: take.size_bytes,
          video_codec: video,
          audio_codec: audio,
          width: take.width,
          height: take.height,
          state: "complete",
          error: "",
          gaps: [],
        },
      ],
    };
  });
  const absent = whole.leftOut.map(({ id, name, asked_ms }) => ({
    id,
    name,
    joined_ms: joinedAt(asked_ms),
    left_ms: null,
    acknowledged_ms: null,
    pieces: [],
  }));
  const events = whole.takes
    .flatMap(({ id, screens }) =>
      screens.map(({ time_ms, on }) => ({
        type: "event",
        time_ms: rounded(time_ms) ?? 0,
        peer: id,
        name: "screen",
        value: on ? "on" : "off",
      })),
    )
    .sort((one, other) => one.time_ms - other.time_ms);
  const manifest = {
    id: whole.id,
    started_at_s: whole.startedAt_s,
    room: whole.room,
    name: whole.name,
    version: VERSION,
    made_by: MADE_BY,
    state: people.length > 0 ? "complete" : "failed",
    error: whole.error,
    duration_ms: rounded(whole.duration_ms),
    people: [...people, ...absent],
    events,
    chat: [],
    films: [],
  };
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** As the frames' codecs are called in Python; what a browser writes where it was not told is what its container is for. */
function codecsOf({ mimeType, suffix }: Format): readonly [video: string, audio: string] {
  const isMp4 = suffix === ".mp4";
  const video = VIDEO.find(([pattern]) => pattern.test(mimeType))?.[1] ?? (isMp4 ? "H264" : "VP8");
  return [video, isMp4 && !mimeType.includes("opus") ? "aac" : "opus"];
}

const rounded = (time_ms: number | null): number | null =>
  time_ms === null ? null : Math.round(time_ms * 1000) / 1000;

function joinedAt(asked_ms: number, ended_ms = 0): number {
  const joined_ms = Math.max(asked_ms, ended_ms);
  return joined_ms < START_MS ? 0 : (rounded(joined_ms) ?? 0);
}
