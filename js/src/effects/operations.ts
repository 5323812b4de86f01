/** From the effect that was chosen to what does it. */
import { EFFECTS, type Effect } from "../messages";
import { ColourOperation } from "./colour";
import { colourMapOf } from "./colour-map";
import { EdgeOperation } from "./edge";
import { MirrorOperation } from "./mirror";
import type { Operation } from "./picture";
import { PixelateOperation } from "./pixelate";

export interface Tools {
  /** What tells the person from the background: for "blur" and "background". */
  person(effect: Effect): Operation;
}

/** Null for "none". */
export function operationOf(effect: Effect, tools: Tools): Operation | null {
  const strength = strengthOf(effect);
  switch (effect.name) {
    case "none":
      return null;
    case "blur":
    case "background":
      return tools.person(effect);
    case "pixelate":
      return new PixelateOperation(strength);
    case "edge":
      return new EdgeOperation(strength);
    case "mirror":
      return new MirrorOperation();
    default:
      return new ColourOperation(colourMapOf(effect.name, strength));
  }
}

/** The strength that is meant. */
export function strengthOf({ name, strength }: Effect): number {
  return strength ?? EFFECTS[name].usual;
}
