/** Memory that kernels and the browser both reach: planes in it are changed where they are, without a copy. */

const PAGE_BYTES = 65536;
const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/** A buffer of at least so many bytes; a plain one where the browser has no WebAssembly, or no room for it. */
export function sharedBuffer(bytes: number): ArrayBuffer {
  if (typeof WebAssembly === "undefined") return new ArrayBuffer(bytes);
  try {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    memories.set(memory.buffer, memory);
    return memory.buffer as ArrayBuffer;
  } catch (error) {
    // each memory reserves gigabytes of addresses, of which there may be too few
    if (error instanceof RangeError) return new ArrayBuffer(bytes);
    throw error;
  }
}

/** Where `sharedBuffer` made it so. */
export function memoryOf(buffer: ArrayBufferLike): WebAssembly.Memory | null {
  return memories.get(buffer) ?? null;
}
