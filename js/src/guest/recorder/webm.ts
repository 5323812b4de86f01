/**
 * A WebM file that is written as it comes cannot know its duration (Matroska, RFC 9559). Browsers leave it out, and then
 * players neither show nor seek. So room is left for it in the first bytes, and it is written there at the end.
 */

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const DURATION = 0x4489;
const TIMESTAMP_SCALE = 0x2ad7b1;
const VOID = 0xec;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
/** Duration as a float of 8 bytes: two bytes of id, one of size, eight of value. */
const ROOM = 11;
/** Nanoseconds of a tick where the file does not say. */
const USUAL_SCALE = 1_000_000;

export interface Prepared {
  /** The first bytes of the file, with room for the duration. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the room is, from the beginning of the file. */
  readonly at: number;
  /** Nanoseconds of one of the file's ticks. */
  readonly scale_ns: number;
}

/** Null for what is no such beginning, or has its duration already. */
export function prepare(first: Uint8Array<ArrayBuffer>): Prepared | null {
  const header = element(first, 0);
  if (header?.id !== EBML || header.size === null) return null;
  const segment = element(first, header.start + header.size);
  // in a segment of a known size everything behind would have to be moved
  if (segment?.id !== SEGMENT || segment.size !== null) return null;
  const info = childOf(first, segment.start, first.length, INFO);
  if (info === null || info.size === null || info.start + info.size > first.length) return null;
  const end = info.start + info.size;
  if (childOf(first, info.start, end, DURATION) !== null) return null;
  const scale = childOf(first, info.start, end, TIMESTAMP_SCALE);
  const head = Uint8Array.of(...bytesOf(INFO, 4), ...sizeOf(info.size + ROOM));
  const bytes = new Uint8Array(first.length + ROOM + head.length - (info.start - info.at));
  bytes.set(first.subarray(0, info.at));
  bytes.set(head, info.at);
  const moved = info.at + head.length;
  bytes.set(first.subarray(info.start, end), moved);
  const at = moved + info.size;
  bytes.set([VOID, 0x80 | (ROOM - 2)], at);
  bytes.set(first.subarray(end), at + ROOM);
  return { bytes, at, scale_ns: scale === null ? USUAL_SCALE : (contentOf(first, scale) ?? USUAL_SCALE) };
}

/** What goes to `Prepared.at` once the duration is known. */
export function durationElement(duration_ms: number, scale_ns: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ROOM);
  bytes.set([...bytesOf(DURATION, 2), 0x88]);
  new DataView(bytes.buffer).setFloat64(3, (duration_ms * 1e6) / scale_ns);
  return bytes;
}

/** Nothing that is looked at has a longer beginning: two variable-size integers and what follows them. */
const MOST_HEAD = 32;
const INSIDE: ReadonlySet<number> = new Set([SEGMENT, CLUSTER, BLOCK_GROUP]);

/** How long the film is that passes by in pieces, by the timestamps of its frames. */
export class Frames {
  /** The latest of each track, in the file's ticks. */
  readonly #latest = new Map<number, number>();
  #rest: Uint8Array = new Uint8Array();
  #skip = 0;
  #cluster = 0;
  #isLost = false;

  /** The latest frame, in the file's ticks; null until one has passed. */
  get last(): number | null {
    return this.#latest.size === 0 ? null : Math.max(...this.#latest.values());
  }

  /** The latest frame of the track that is behind the others. */
  get straggler(): number | null {
    return this.#latest.size === 0 ? null : Math.min(...this.#latest.values());
  }

  pass(bytes: Uint8Array): void {
    if (this.#isLost) return;
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    let at = this.#skip;
    for (;;) {
      const found = at < all.length ? element(all, at) : null;
      if (found === null || (!INSIDE.has(found.id) && !isHere(all, found))) break;
      if (INSIDE.has(found.id)) at = found.start;
      else {
        this.#look(all, found);
        at = found.start + (found.size ?? 0);
      }
    }
    this.#skip = Math.max(0, at - all.length);
    this.#rest = all.slice(at);
    this.#isLost = this.#rest.length > MOST_HEAD; // nothing that we know: then the clock must do
  }

  #look(bytes: Uint8Array, found: Element): void {
    if (found.id === TIMESTAMP) this.#cluster = contentOf(bytes, found) ?? 0;
    if (found.id !== SIMPLE_BLOCK && found.id !== BLOCK) return;
    const length = lengthAt(bytes, found.start) ?? 1;
    const track = number(bytes.subarray(found.start, found.start + length));
    const time = new DataView(bytes.buffer, bytes.byteOffset).getInt16(found.start + length);
    this.#latest.set(track, Math.max(this.#latest.get(track) ?? 0, this.#cluster + time));
  }
}

/** As much of it as is looked at has come. */
function isHere(bytes: Uint8Array, { id, start, size }: Element): boolean {
  if (size === null) return false;
  const isBlock = id === SIMPLE_BLOCK || id === BLOCK;
  const needed = id === TIMESTAMP ? size : isBlock ? Math.min(size, 8 + 2) : 0;
  return start + needed <= bytes.length;
}

interface Element {
  readonly id: number;
  readonly at: number;
  /** Of its content. */
  readonly start: number;
  /** Null: unknown, until its parent ends. */
  readonly size: number | null;
}

function element(bytes: Uint8Array, at: number): Element | null {
  const idLength = lengthAt(bytes, at);
  if (idLength === null || idLength > 4) return null;
  const sizeLength = lengthAt(bytes, at + idLength);
  if (sizeLength === null || at + idLength + sizeLength > bytes.length) return null;
  const id = number(bytes.subarray(at, at + idLength));
  const sized = bytes.slice(at + idLength, at + idLength + sizeLength);
  sized[0] = (sized[0] ?? 0) & (0xff >> sizeLength);
  const unknown = sized[0] === 0xff >> sizeLength && sized.slice(1).every((byte) => byte === 0xff);
  return { id, at, start: at + idLength + sizeLength, size: unknown ? null : number(sized) };
}

/** Length of a variable-size integer by its first byte (RFC 8794, section 4). */
function lengthAt(bytes: Uint8Array, at: number): number | null {
  const first = bytes[at];
  return first === undefined || first === 0 ? null : Math.clz32(first) - 23;
}

function childOf(bytes: Uint8Array, from: number, to: number, id: number): Element | null {
  let at = from;
  while (at < to) {
    const child = element(bytes, at);
    if (child === null) return null;
    if (child.id === id) return child;
    if (child.size === null) return null;
    at = child.start + child.size;
  }
  return null;
}

const contentOf = (bytes: Uint8Array, { start, size }: Element): number | null =>
  size === null ? null : number(bytes.subarray(start, start + size));

const number = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

const bytesOf = (value: number, length: number): number[] =>
  Array.from({ length }, (_, index) => (value >>> (8 * (length - 1 - index))) & 0xff);

/** Eight bytes: as many as any size needs. */
const sizeOf = (size: number): number[] => [0x01, 0, 0, 0, ...bytesOf(size, 4)];
