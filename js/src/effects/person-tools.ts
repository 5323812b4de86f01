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

  person(effect: Effect): Operation {
    this.#segmenter.prepare();
    const isBlur = effect.name === "blur";
    const strength = strengthOf(isBlur ? effect : INSTEAD);
    return new PersonOperation(strength, this.#segmenter, isBlur ? null : this.#backdrop);
  }

  setBackground(picture: ImageBitmap | null): void {
    this.#backdrop.set(picture);
  }
}
