/** The effect that this browser remembers for the guest page, where no Python does. */
import { EFFECTS, type Effect, type EffectName } from "../messages";

const KEY = "nbrtc.effect";
const NONE: Effect = { name: "none", strength: null };

/** What lies there may be anybody's: only a known effect with a fitting strength counts. */
export function loadEffect(): Effect {
  try {
    const { name, strength } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Effect>;
    if (name === undefined || !Object.hasOwn(EFFECTS, name)) return NONE;
    const { low, high } = EFFECTS[name as EffectName];
    const fits = typeof strength === "number" && low < high && strength >= low && strength <= high;
    return { name, strength: fits ? strength : null };
  } catch {
    return NONE; // denied, or not ours
  }
}

export function saveEffect(effect: Effect): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(effect));
  } catch {
    // full or denied: it lasts until the next reload
  }
}
