/** The picture for the effect "background": the person's own or Python's, whichever was chosen last. In the page. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Assets } from "../assets";

export const MAX_BYTES = 20 * 1024 * 1024;
const MAX_SIDE = 1920;

export interface BackdropOptions {
  readonly onPicture: (picture: ImageBitmap | null) => void;
  readonly onTrouble: (text: string) => void;
}

export class Backdrop {
  readonly isThere: ReadonlySignal<boolean>;
  readonly #isThere: Signal<boolean> = signal(false);
  readonly #assets: Assets;
  readonly #options: BackdropOptions;
  picture: ImageBitmap | null = null;
  /** Python's picture that was fetched last, or is being fetched. */
  #asset = "";
  /** The picture that is shown is Python's. */
  #isPythons = false;
  #loads = 0;
  #choices = 0;

  constructor(assets: Assets, options: BackdropOptions) {
    this.#assets = assets;
    this.#options = options;
    this.isThere = this.#isThere;
  }

  /** Python's picture, by its asset's name (empty: none), fetched as soon as it is `needed`. */
  mirror(asset: string, needed: boolean): void {
    if (asset === "") {
      this.#asset = "";
      this.#loads += 1; // what is still on its way comes too late
      if (this.#isPythons) this.#keep(null, false);
    } else if (asset !== this.#asset && needed) {
      this.#asset = asset;
      void this.#load(asset);
    }
    this.#isThere.value = asset !== "" || this.picture !== null;
  }

  /** Rejects with a sentence. */
  async choose(file: Blob): Promise<void> {
    if (file.size > MAX_BYTES) {
      const size = (file.size / 1024 / 1024).toFixed(0);
      throw new Error(
        `The picture has ${size} MB; up to ${MAX_BYTES / 1024 / 1024} MB are read. Choose a smaller one.`,
      );
    }
    const choice = ++this.#choices;
    const picture = await decoded(file);
    if (choice === this.#choices) this.#keep(picture, false);
    else picture.close();
  }

  async #load(asset: string): Promise<void> {
    const load = ++this.#loads;
    try {
      const picture = await decoded(new Blob([await this.#assets.load(asset)], { type: "image/jpeg" }));
      if (load === this.#loads) this.#keep(picture, true);
      else picture.close();
    } catch (error) {
      if (load !== this.#loads) return;
      this.#asset = ""; // asked for again when the state says it again
      const text = error instanceof Error ? error.message : String(error);
      const instead = this.picture === null ? "Your background is blurred." : "The one before it stays.";
      this.#options.onTrouble(`Python's background picture did not arrive (${text}). ${instead}`);
    }
  }

  #keep(picture: ImageBitmap | null, isPythons: boolean): void {
    this.#loads += 1; // what is still on its way comes too late
    this.picture?.close();
    this.picture = picture;
    this.#isPythons = isPythons;
    this.#isThere.value = picture !== null;
    this.#options.onPicture(picture);
  }
}

/** Rejects with a sentence. */
async function decoded(file: Blob): Promise<ImageBitmap> {
  let whole: ImageBitmap;
  try {
    whole = await createImageBitmap(file);
  } catch {
    throw new Error("This file is no picture that the browser can read. Choose a JPEG, PNG or WebP file.");
  }
  const scale = Math.min(1, MAX_SIDE / Math.max(whole.width, whole.height));
  if (scale === 1) return whole;
  try {
    return await createImageBitmap(whole, {
      resizeWidth: Math.max(1, Math.round(whole.width * scale)),
      resizeHeight: Math.max(1, Math.round(whole.height * scale)),
      resizeQuality: "high",
    });
  } finally {
    whole.close();
  }
}
