/** What the person chose before a call, remembered in this browser (never in the notebook). */
import type { Preferences } from "../contract";

const KEY = "nbrtc.preferences";

const DEFAULTS: Preferences = {
  cameraId: "",
  microphoneId: "",
  useCamera: true,
  useMicrophone: true,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

export function loadPreferences(): Preferences {
  let stored: Partial<Record<keyof Preferences, unknown>> = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    // storage is denied or was written by something else: the defaults serve
  }
  const known = Object.entries(DEFAULTS).map(([key, value]) => {
    const saved = stored?.[key as keyof Preferences];
    return [key, typeof saved === typeof value ? saved : value];
  });
  return Object.fromEntries(known) as unknown as Preferences;
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // a browser that keeps nothing still calls
  }
}
