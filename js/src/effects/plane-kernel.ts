/** A kernel at work on planes of any size and place. */
import { memoryOf, sharedBuffer } from "./memory";
import type { Planes } from "./picture";

type Run = (y: number, u: number, v: number, stride: number, rowPairs: number) => void;

const GROUP = 16;

/** For planes that lie elsewhere, or whose rows do not fit; it only grows, and every kernel uses it. */
let workshop = new ArrayBuffer(0);

export class PlaneKernel {
  readonly #module: WebAssembly.Module;
  #run: Run | null = null;
  #memory: WebAssembly.Memory | null = null;

  /** Throws where the browser lacks SIMD, or the page's policy forbids WebAssembly. */
  constructor(module: Uint8Array<ArrayBuffer>) {
    this.#module = new WebAssembly.Module(module);
  }

  /** Changes the planes in place. */
  apply({ width, height, y, u, v }: Planes): void {
    const memory = memoryOf(y.buffer);
    const isTogether = y.buffer === u.buffer && y.buffer === v.buffer;
    if (memory !== null && isTogether && width % GROUP === 0 && height % 2 === 0) {
      this.#runIn(memory)(y.byteOffset, u.byteOffset, v.byteOffset, width, height / 2);
      return;
    }
    const stride = Math.ceil(width / GROUP) * GROUP;
    const rows = 2 * Math.ceil(height / 2);
    const luma = stride * rows;
    if (workshop.byteLength < luma * 1.5) workshop = sharedBuffer(luma * 1.5);
    const own = memoryOf(workshop);
    if (own === null) throw new RangeError("There is no memory left for an effect.");
    const planes = [
      { plane: y, at: 0, width, height, stride, rows },
      ...[u, v].map((plane, index) => ({
        plane,
        at: luma + (index * luma) / 4,
        width: Math.ceil(width / 2),
        height: rows / 2,
        stride: stride / 2,
        rows: rows / 2,
      })),
    ];
    for (const one of planes) spreadOut(one);
    this.#runIn(own)(0, luma, luma + luma / 4, stride, rows / 2);
    for (const one of planes) takeBack(one);
  }

  #runIn(memory: WebAssembly.Memory): Run {
    if (this.#run === null || this.#memory !== memory) {
      this.#memory = memory;
      this.#run = new WebAssembly.Instance(this.#module, { env: { memory } }).exports.run as Run;
    }
    return this.#run;
  }
}

interface Layout {
  readonly plane: Uint8Array;
  readonly at: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly rows: number;
}

/** Rows begin at multiples of the stride; the last sample of a row, and the last row, go on where chroma covers more. */
function spreadOut({ plane, at, width, height, stride, rows }: Layout): void {
  const target = new Uint8Array(workshop, at, stride * rows);
  for (let row = 0; row < rows; row++) {
    const from = Math.min(row, height - 1) * width;
    target.set(plane.subarray(from, from + width), row * stride);
    if (width < stride)
      target.fill(plane[from + width - 1] as number, row * stride + width, (row + 1) * stride);
  }
}

function takeBack({ plane, at, width, height, stride }: Layout): void {
  const source = new Uint8Array(workshop, at, stride * height);
  for (let row = 0; row < height; row++) {
    plane.set(source.subarray(row * stride, row * stride + width), row * width);
  }
}
