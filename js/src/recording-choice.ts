/** What the record panel asks for: chosen last, remembered in this browser (never in the notebook), fitted to a call. */
import type { RecordingChoice, RecordingTracks } from "./contract";
import type { RecordingLayout } from "./messages";

const KEY = "nbrtc.recording";

const LAYOUTS: readonly unknown[] = [null, "separate", "pip", "grid", "speaker"];
export const SUFFIXES = [".mkv", ".webm", ".mp4"] as const;

export interface Place {
  readonly isInRoom: boolean;
  readonly hasPython: boolean;
  /** The own camera's codec is one that an .mp4 takes as it is. */
  readonly sendsH264: boolean;
}

/** Everybody in one picture, in the container that keeps what was sent as it is where it can. */
export const USUAL: RecordingChoice = { tracks: "all", layout: null, suffix: ".mkv" };

/** Oneself, among ids of participants: `OWN` of engine/gallery.py. */
export const OWN = "you";

export const isOfOne = (tracks: RecordingTracks): boolean =>
  tracks === "local" || (typeof tracks !== "string" && tracks.length === 1);

/** Those of the chosen who are here still, in the order of `ids`. */
export const present = (chosen: readonly string[], ids: readonly string[]): readonly string[] =>
  ids.filter((id) => chosen.includes(id));

/** The choice without what means nothing here: one person needs no layout, a folder no suffix. */
export function fitted({ tracks, layout, suffix }: RecordingChoice, place: Place): RecordingChoice {
  // the guest page's browser has one container, and chooses it
  const one = place.hasPython ? suffix || USUAL.suffix : ".webm";
  const isOwn = !place.isInRoom || tracks === "local";
  // what is not H.264 is not copied into an .mp4: as a picture of one person it is encoded, and the .mp4 is there
  const single = one === ".mp4" && !(isOwn && place.sendsH264) ? "pip" : null;
  if (!place.isInRoom) return { tracks: "all", layout: single, suffix: one };
  const isSingle = isOfOne(tracks);
  if (layout === "separate" && !isSingle) return { tracks, layout, suffix: "" };
  return { tracks, layout: isSingle ? single : layout, suffix: one };
}

export function loadChoice(): RecordingChoice {
  let stored: Partial<Record<keyof RecordingChoice, unknown>> | null = null;
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    // storage is denied or was written by something else: the usual serves
  }
  const suffixes: readonly unknown[] = SUFFIXES;
  const { tracks, layout, suffix } = stored ?? {};
  return {
    tracks: tracks === "local" ? "local" : USUAL.tracks, // ids are those of one call
    layout: LAYOUTS.includes(layout) ? (layout as RecordingLayout | null) : USUAL.layout,
    suffix: suffixes.includes(suffix) ? (suffix as RecordingChoice["suffix"]) : USUAL.suffix,
  };
}

export function saveChoice(choice: RecordingChoice): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // a browser that keeps nothing still records
  }
}
