/** The background picture as planes of the camera's size: it covers the whole, and what is too wide or too high is cut. */
import type { Planes } from "./picture";
import { allocate, rgbaToPlanes } from "./planes";

/** So many are kept. */
const SIZES = 2;

export class Backdrop {
  #picture: ImageBitmap | null = null;
  /** Of one size the camera's pictures are, of another one their previews. */
  #planes: readonly Planes[] = [];

  /** Null without one. It is this object's from now on. */
  set(picture: ImageBitmap | null): void {
    this.#picture?.close();
    this.#picture = picture;
    this.#planes = [];
  }

  /** For a camera's picture like this; null without a picture. */
  planes({ width, height, colour }: Planes): Planes | null {
    if (this.#picture === null) return null;
    const known = this.#planes.find(
      (one) =>
        one.width === width &&
        one.height === height &&
        one.colour.matrix === colour.matrix &&
        one.colour.fullRange === colour.fullRange,
    );
    if (known !== undefined) return known;
    const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false });
    if (context === null) return null;
    const { width: wide, height: high } = this.#picture;
    const scale = Math.max(width / wide, height / high);
    const [w, h] = [wide * scale, high * scale];
    context.drawImage(this.#picture, (width - w) / 2, (height - h) / 2, w, h);
    const planes = allocate(width, height, colour);
    rgbaToPlanes(context.getImageData(0, 0, width, height).data, planes);
    this.#planes = [planes, ...this.#planes].slice(0, SIZES);
    return planes;
  }
}
