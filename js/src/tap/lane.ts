/** What waits of one participant: in the order in which it goes, and what was sent but may be lost with the link. */
import { chunkCount, type Have, type TapFrame } from "./format";

/** Sound goes before pictures that are older by no more: what is recorded is not torn apart by a long queue. */
export const SOUND_AHEAD_MS = 500;
/** A second of sound, of those who are not recorded; the oldest goes first. */
export const WAITING_SOUNDS = 50;
/**
 * What was sent and not yet acknowledged, at most: more than the channel's own buffer and the receive window of aiortc
 * (1 MiB, RFC 9260 section 3.3.2) cannot be on its way. The oldest goes first.
 */
export const KEPT_BYTES = 1280 * 1024;
/** What a frame costs besides its bytes. */
const FRAME_BYTES = 128;

export interface Waiting {
  readonly frame: TapFrame;
  readonly since_ms: number;
  sentChunks: number;
}

function sizeOf({ frame }: Waiting): number {
  return frame.data.byteLength + FRAME_BYTES;
}

export class Lane {
  readonly participant: string;
  isRecorded = false;
  /** Nobody wants anything of theirs any more. */
  isLeft = false;
  /** A picture was left out: none but a keyframe may follow. */
  isCut = false;
  /** For fairness: the bytes that went out, as if it had begun together with the others. */
  served = 0;
  #sounds: Waiting[] = [];
  #pictures: Waiting[] = [];
  #kept: Waiting[] = [];
  #bytes = 0;
  #kept_bytes = 0;

  constructor(participant: string) {
    this.participant = participant;
  }

  /** All that is in memory. */
  get bytes(): number {
    return this.#bytes + this.#kept_bytes;
  }

  get isEmpty(): boolean {
    return this.#sounds.length === 0 && this.#pictures.length === 0;
  }

  get sounds(): readonly Waiting[] {
    return this.#sounds;
  }

  get pictures(): readonly Waiting[] {
    return this.#pictures;
  }

  /** Sound that is as good as live: it may pass all pictures. */
  get hasFreshSound(): boolean {
    return this.#sounds.length <= WAITING_SOUNDS && this.#isSoundNext;
  }

  /** What goes next. */
  get next(): Waiting | undefined {
    return this.#isSoundNext ? this.#sounds[0] : this.#pictures[0];
  }

  add(waiting: Waiting): void {
    const isSound = waiting.frame.kind === "audio";
    (isSound ? this.#sounds : this.#pictures).push(waiting);
    this.#bytes += sizeOf(waiting);
    if (isSound && !this.isRecorded) this.#trimSounds();
  }

  /** One more chunk of what goes next was sent. */
  advance(waiting: Waiting): void {
    waiting.sentChunks++;
    if (waiting.sentChunks < chunkCount(waiting.frame)) return;
    (waiting.frame.kind === "audio" ? this.#sounds : this.#pictures).shift();
    this.#bytes -= sizeOf(waiting);
    if (this.isRecorded) this.#keep(waiting);
  }

  /** The engine has these, and what was sent before them. */
  acknowledge({ kind, stream, number }: Have): void {
    this.#setKept(
      this.#kept.filter(
        ({ frame }) =>
          frame.kind !== kind ||
          isLater(frame.stream, stream) ||
          (frame.stream === stream && frame.number > number),
      ),
    );
  }

  /** A link is gone, and with it whatever was on its way. */
  rewind(): void {
    if (!this.isRecorded) {
      this.clear();
      return;
    }
    for (const waiting of [...this.#kept, ...this.#sounds, ...this.#pictures]) waiting.sentChunks = 0;
    const kept = this.#kept;
    this.#sounds = [...kept.filter(({ frame }) => frame.kind === "audio"), ...this.#sounds];
    this.#pictures = [...kept.filter(({ frame }) => frame.kind === "video"), ...this.#pictures];
    this.#bytes += this.#kept_bytes;
    this.#setKept([]);
  }

  /** Forget pictures from the newest on until so many bytes are free or none is left; what has begun is finished. */
  cut(bytes = Number.POSITIVE_INFINITY): number {
    let freed = 0;
    while (freed < bytes) {
      const last = this.#pictures.at(-1);
      if (last === undefined || last.sentChunks > 0) break;
      this.#pictures.pop();
      freed += sizeOf(last);
      this.isCut = true;
    }
    this.#bytes -= freed;
    return freed;
  }

  /** Live from now on: what waited for a file has come too late. */
  release(): void {
    this.isRecorded = false;
    this.cut();
    this.#setKept([]);
    this.#trimSounds();
  }

  clear(): void {
    this.#sounds = [];
    this.#pictures = [];
    this.#bytes = 0;
    this.#setKept([]);
  }

  get #isSoundNext(): boolean {
    const [sound, picture] = [this.#sounds[0], this.#pictures[0]];
    if (sound === undefined || picture === undefined) return sound !== undefined;
    return sound.since_ms - picture.since_ms <= SOUND_AHEAD_MS;
  }

  #keep(waiting: Waiting): void {
    this.#kept.push(waiting);
    this.#kept_bytes += sizeOf(waiting);
    while (this.#kept_bytes > KEPT_BYTES) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) break;
      this.#kept_bytes -= sizeOf(oldest);
    }
  }

  #setKept(kept: Waiting[]): void {
    this.#kept = kept;
    this.#kept_bytes = kept.reduce((sum, waiting) => sum + sizeOf(waiting), 0);
  }

  #trimSounds(): void {
    while (this.#sounds.length > WAITING_SOUNDS) {
      const oldest = this.#sounds.shift();
      if (oldest !== undefined) this.#bytes -= sizeOf(oldest);
    }
  }
}

/** Streams count modulo 256. */
function isLater(stream: number, than: number): boolean {
  const ahead = (stream - than) & 0xff;
  return ahead > 0 && ahead < 128;
}
