/** Left and right exchanged, so that the others see what a mirror shows. */
import type { Operation, Planes } from "./picture";

export class MirrorOperation implements Operation {
  readonly isDirected = true;

  apply(picture: Planes): Planes {
    reverseRows(picture.y, picture.width);
    reverseRows(picture.u, Math.ceil(picture.width / 2));
    reverseRows(picture.v, Math.ceil(picture.width / 2));
    return picture;
  }

  close(): void {}
}

function reverseRows(plane: Uint8Array, width: number): void {
  for (let at = 0; at < plane.length; at += width) plane.subarray(at, at + width).reverse();
}
