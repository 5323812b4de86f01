/** Effects without a camera: what was asked for is written down, and `paint` may draw the previews. */
import { type Signal, signal } from "@preact/signals";
import type { EffectStatus, EffectsView } from "../src/contract";
import type { Effect } from "../src/messages";

export interface ShownPreview {
  readonly canvas: HTMLCanvasElement;
  readonly effect: Effect;
  readonly ended: AbortSignal;
}

export class FakeEffects implements EffectsView {
  unavailable = "";
  readonly status: Signal<EffectStatus> = signal({ state: "off", text: "", fps: null, frame_ms: null });
  readonly hasBackground = signal(false);
  readonly previewRound = signal(1);
  readonly previews: ShownPreview[] = [];
  /** Draws one picture of a preview, for pages that are looked at. */
  paint: ((preview: ShownPreview) => void) | null = null;
  /** What the next `chooseBackground` rejects with; empty: it does not. */
  refusal = "";
  readonly #onChoice: (verb: string, ...given: readonly unknown[]) => void;
  readonly #onEffect: (effect: Effect) => void;

  constructor(
    onChoice: (verb: string, ...given: readonly unknown[]) => void,
    onEffect: (effect: Effect) => void,
  ) {
    this.#onChoice = onChoice;
    this.#onEffect = onEffect;
  }

  choose(effect: Effect): void {
    this.#onChoice("chooseEffect", effect.name, effect.strength);
    this.#onEffect(effect);
  }

  async chooseBackground(picture: Blob): Promise<void> {
    this.#onChoice("chooseBackground", picture.type);
    if (this.refusal !== "") throw new Error(this.refusal);
    this.hasBackground.value = true;
    this.#onEffect({ name: "background", strength: null });
  }

  preview(canvas: HTMLCanvasElement, effect: Effect, ended: AbortSignal): void {
    const preview = { canvas, effect, ended };
    this.previews.push(preview);
    const { paint } = this;
    if (paint === null) return;
    paint(preview);
    const timer = setInterval(() => paint(preview), 125);
    ended.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** The effects whose previews are drawn now. */
  get drawn(): readonly string[] {
    return this.previews.filter(({ ended }) => !ended.aborted).map(({ effect }) => effect.name);
  }
}
