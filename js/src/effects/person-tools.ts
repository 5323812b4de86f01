/** What the effects "blur" and "background" share in a worker: one segmenter, and one background picture. */
import type { Effect } from "../messages";
import { Backdrop } from "./backdrop";
import { strengthOf, type Tools } from "./operations";
import { type MaskSource, PersonOperation } from "./person";
import type { Operation } from "./picture";
import { Segmenter, type SegmenterOptions } from "./segmenter";

/** Of the blur that stands for a background picture that is not there. */
const INSTEAD: Effect = { name: "blur", strength: null };

export class PersonTools implements Tools {
  readonly #segmenter: Segmenter & MaskSource;
  readonly #backdrop = new Backdrop();

  constructor(options: SegmenterOptions) {
    this.#segmenter = new Segmenter(options);
  }

  /** For small pictures that only the person sees: they share masks, with the camera's effect, too. */
  readonly previews: Tools = {
    person: (effect) =>
      this.#operation(effect, { mask: (picture, time_ms) => this.#segmenter.recent(picture, time_ms) }),
  };

  person(effect: Effect): Operation {
    return this.#operation(effect, this.#segmenter);
  }

  setBackground(picture: ImageBitmap | null): void {
    this.#backdrop.set(picture);
  }

  #operation(effect: Effect, source: MaskSource): Operation {
    this.#segmenter.prepare();
    const isBlur = effect.name === "blur";
    const strength = strengthOf(isBlur ? effect : INSTEAD);
    return new PersonOperation(strength, source, isBlur ? null : this.#backdrop);
  }
}
