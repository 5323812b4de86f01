/** The background picture as planes of the camera's size: it covers the whole, and what is too wide or too high is cut. */
import type { Planes } from "./picture";
import { allocate, rgbaToPlanes } from "./planes";

export class Backdrop {
  #picture: ImageBitmap | null = null;
  #planes: Planes | null = null;

  /** Null without one. It is this object's from now on. */
  set(picture: ImageBitmap | null): void {
    this.#picture?.close();
    this.#picture = picture;
    this.#planes = null;
  }

  /** For a camera's picture like this; null without a picture. */
  planes({ width, height, colour }: Planes): Planes | null {
    if (this.#picture === null) return null;
    const known = this.#planes;
    const fits =
      known?.width === width &&
      known.height === height &&
      known.colour.matrix === colour.matrix &&
      known.colour.fullRange === colour.fullRange;
    if (known !== null && fits) return known;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (context === null) return null;
    const { width: wide, height: high } = this.#picture;
    const scale = Math.max(width / wide, height / high);
    const [w, h] = [wide * scale, high * scale];
    context.drawImage(this.#picture, (width - w) / 2, (height - h) / 2, w, h);
    const planes = allocate(width, height, colour);
    rgbaToPlanes(context.getImageData(0, 0, width, height).data, planes);
    this.#planes = planes;
    return planes;
  }
}
