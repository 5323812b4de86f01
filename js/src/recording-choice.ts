/** What the record panel asks for: chosen last, remembered in this browser (never in the notebook), fitted to a call. */
import type { RecordingChoice } from "./contract";
import type { RecordingLayout } from "./messages";

const KEY = "nbrtc.recording";

const LAYOUTS: readonly unknown[] = [null, "separate", "pip", "grid", "speaker"];
export const SUFFIXES = [".mkv", ".webm", ".mp4"] as const;

export interface Place {
  readonly isInRoom: boolean;
  readonly hasPython: boolean;
}

/** Everybody in one picture, in the container that keeps what was sent as it is where it can. */
export const USUAL: RecordingChoice = { tracks: "all", layout: null, suffix: ".mkv" };

/** The choice without what means nothing here: one person needs no layout, a folder no suffix. */
export function fitted({ tracks, layout, suffix }: RecordingChoice, place: Place): RecordingChoice {
  const one = suffix || USUAL.suffix;
  if (!place.isInRoom) return { tracks: "all", layout: null, suffix: one };
  if (layout === "separate" && tracks === "all") return { tracks, layout, suffix: "" };
  // the guest page's browser has one container, and chooses it
  return { tracks, layout: tracks === "local" ? null : layout, suffix: place.hasPython ? one : ".webm" };
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
    tracks: tracks === "local" ? "local" : USUAL.tracks,
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
