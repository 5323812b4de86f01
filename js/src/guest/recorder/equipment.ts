/** The browser's own means of recording. */
import { chooseDestination } from "./destination";
import { Film } from "./film";
import { formatFor } from "./formats";
import { startMetronome } from "./metronome";
import type { Equipment } from "./recorder";
import type { Studio } from "./recording";
import { Screens } from "./screens";
import type { Scene } from "./source";

const SOUND_RATE = 48_000;

/** Null where this browser lacks what recording takes. */
export function browserEquipment(scene: () => Scene): Equipment | null {
  const canRecord =
    typeof MediaRecorder === "function" &&
    typeof AudioContext === "function" &&
    typeof Worker === "function" &&
    typeof HTMLCanvasElement.prototype.captureStream === "function";
  if (!canRecord) return null;
  return {
    scene,
    format: (films) =>
      formatFor(films, navigator.hardwareConcurrency ?? 1, (mimeType) =>
        MediaRecorder.isTypeSupported(mimeType),
      ),
    choose: chooseDestination,
    openStudio,
    freeBytes,
  };
}

function openStudio(beat: () => void): Studio {
  const context = new AudioContext({ sampleRate: SOUND_RATE, latencyHint: "interactive" });
  const screens = new Screens();
  let end: () => void;
  try {
    // there was a click; where the browser waits for another one, the sound begins with it
    context.resume().catch(() => undefined);
    end = startMetronome(beat);
  } catch (error) {
    void context.close();
    throw error;
  }
  return {
    watch: (sources) => screens.watch(sources),
    film: (options) => new Film({ ...options, context, screens }),
    close: () => {
      end();
      screens.close();
      if (context.state !== "closed") void context.close();
    },
  };
}

/** What the browser lets this page have of the disk (storage, section 5). */
async function freeBytes(): Promise<number | null> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || usage === undefined ? null : quota - usage;
  } catch {
    return null; // denied: a full disk is noticed when it refuses a write
  }
}
