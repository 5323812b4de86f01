/** The result of an effect that keeps a part of the picture: made where the kernel works, so that nothing is copied twice. */
import type { Layer } from "./layers";
import { between } from "./layers";
import { memoryOf, sharedBuffer } from "./memory";
import { GROUP, mixKernel, mixRow, POINT, type RowPair, type Run, WHOLE } from "./mix-kernel";
import type { ColourSpace, Planes } from "./picture";
import { allocate, bytesOf } from "./planes";

const BYTES = Int16Array.BYTES_PER_ELEMENT;
/** Rows for a share and for three planes behind, two each. */
const ROWS = 8;

/** Rows of samples for a layer's own, as a plane of `width` x `height` has them, one pair at a time. */
class Rows implements RowPair {
  upper: Int16Array;
  lower: Int16Array;
  part = 0;
  readonly #height: number;
  readonly #lefts: Uint16Array;
  readonly #beyond: Float32Array;
  readonly #layer: Layer;
  readonly #scale: number;
  #top = -2;

  constructor(layer: Layer, width: number, height: number, scale: number, take: () => Int16Array) {
    this.#layer = layer;
    this.#height = height;
    this.#scale = scale;
    this.upper = take();
    this.lower = take();
    this.#lefts = new Uint16Array(width);
    this.#beyond = new Float32Array(width);
    for (let column = 0; column < width; column++) {
      const [left, beyond] = between(column, width, layer.width);
      this.#lefts[column] = left;
      this.#beyond[column] = beyond;
    }
  }

  /** The layer has changed. */
  begin(): void {
    this.#top = -2;
  }

  seek(row: number): void {
    const [top, part] = between(row, this.#height, this.#layer.height);
    this.part = Math.round(part * WHOLE);
    if (top === this.#top) return;
    if (top === this.#top + 1) [this.upper, this.lower] = [this.lower, this.upper];
    else this.#fill(this.upper, top);
    this.#fill(this.lower, Math.min(top + 1, this.#layer.height - 1));
    this.#top = top;
  }

  #fill(row: Int16Array, number: number): void {
    const { data, width } = this.#layer;
    const [lefts, beyond, scale] = [this.#lefts, this.#beyond, this.#scale];
    const [start, last] = [number * width, width - 1];
    for (let column = 0; column < lefts.length; column++) {
      const left = lefts[column] as number;
      const value = data[start + left] as number;
      const right = data[start + (left < last ? left + 1 : last)] as number;
      row[column] = (value + (beyond[column] as number) * (right - value)) * scale + 0.5;
    }
  }
}

/** Luma, or both planes of chroma. */
interface Size {
  readonly width: number;
  readonly share: Rows;
  readonly nobody: RowPair;
  readonly whole: RowPair;
}

export class Mixer {
  readonly #result: Planes;
  readonly #luma: Size;
  readonly #chroma: Size;
  readonly #behind: readonly [Rows, Rows, Rows];
  readonly #run: Run | null;

  /** `share` is the kept part of each place, 0 to 1; `behind` holds Y, U and V, 0 to 255. Both may be smaller. */
  constructor(width: number, height: number, share: Layer, behind: readonly [Layer, Layer, Layer]) {
    const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const begin = Math.ceil(bytesOf(width, height) / GROUP) * GROUP;
    const room = Math.ceil(width / GROUP) * GROUP;
    const buffer = sharedBuffer(begin + 2 * ROWS * room * BYTES);
    let next = begin;
    const take = () => {
      const row = new Int16Array(buffer, next, room);
      next += room * BYTES;
      return row;
    };
    const sizeOf = (wide: number, high: number): Size => {
      const [nothing, whole] = [take(), take()];
      return {
        width: wide,
        share: new Rows(share, wide, high, WHOLE, take),
        nobody: { upper: nothing, lower: nothing, part: 0 },
        whole: { upper: whole, lower: whole, part: 0 },
      };
    };
    this.#luma = sizeOf(width, height);
    this.#chroma = sizeOf(columns, rows);
    const [y, u, v] = behind;
    this.#behind = [
      new Rows(y, width, height, 1 << POINT, take),
      new Rows(u, columns, rows, 1 << POINT, take),
      new Rows(v, columns, rows, 1 << POINT, take),
    ];
    this.#result = allocate(width, height, UNKNOWN, buffer);
    this.#run = mixKernel(memoryOf(buffer));
  }

  /** `picture` before what is behind; nothing of it with `isAllBehind`. Valid until the next call. */
  mix(picture: Planes, isAllBehind: boolean): Planes {
    return this.#each(picture, isAllBehind, (index, row) => {
      const rows = this.#behind[index] as Rows;
      if (row === 0) rows.begin();
      rows.seek(row);
      return rows;
    });
  }

  /** `picture` before another one of the same size. */
  replace(picture: Planes, behind: Planes): Planes {
    const planes = [behind.y, behind.u, behind.v] as const;
    return this.#each(picture, false, (index, row) => {
      const { whole, width } = index === 0 ? this.#luma : this.#chroma;
      const [from, to] = [planes[index] as Uint8Array, whole.upper];
      for (let column = 0, at = row * width; column < width; column++, at++) {
        to[column] = (from[at] as number) << POINT;
      }
      return whole;
    });
  }

  #each(picture: Planes, isAllBehind: boolean, behindOf: (index: number, row: number) => RowPair): Planes {
    const result = { ...this.#result, colour: picture.colour };
    for (const [index, name] of (["y", "u", "v"] as const).entries()) {
      const [from, plane] = [picture[name], result[name]];
      const { width, share, nobody } = index === 0 ? this.#luma : this.#chroma;
      share.begin();
      plane.set(from);
      for (let row = 0, start = 0; start < plane.length; row++, start += width) {
        const behind = behindOf(index, row);
        if (!isAllBehind) share.seek(row);
        this.#mixRow(behind, isAllBehind ? nobody : share, plane, start, width);
      }
    }
    return result;
  }

  #mixRow(behind: RowPair, share: RowPair, plane: Uint8Array, start: number, width: number): void {
    const groups = this.#run === null ? 0 : width - (width % GROUP);
    if (groups > 0) {
      const from = plane.byteOffset + start;
      this.#run?.(
        behind.upper.byteOffset,
        behind.lower.byteOffset,
        behind.part,
        share.upper.byteOffset,
        share.lower.byteOffset,
        share.part,
        from,
        from + groups,
      );
    }
    if (groups < width) mixRow(behind, share, plane, start, groups, width);
  }
}

/** Until there is a picture. */
const UNKNOWN: ColourSpace = { matrix: "bt601", fullRange: false };
