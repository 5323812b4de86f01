/**
 * What goes into the tap's data channel, and what waits in front of it.
 *
 * Who is only watched live: half a second of pictures at most, the newest refused, and a second of sound, the oldest
 * dropped; with the channel it is all gone. Who is recorded: everything waits, over lost channels too, within one bound
 * for all of them; beyond it the one with the most in it loses pictures, the newest first, up to a keyframe. Sound goes
 * before pictures, and everybody gets the same share of the channel.
 */
import { CHUNK_BYTES, chunk, type Have, type TapFrame } from "./format";
import { Lane } from "./lane";

/** At most this is in the channel, which cannot be taken back. */
export const BUFFERED_BYTES = 64 * 1024;
/** Pictures of one person that wait for the channel: beyond either bound the newest is refused. */
export const WAITING_BYTES = 256 * 1024;
export const WAITING_MS = 500;
/** Of all who are recorded, together; about a minute of one person's 2 Mbit/s. */
export const RECORDED_BYTES = 16 * 1024 * 1024;

/** The data channel, or what stands for it where the channel cannot come into the worker. */
export interface Pipe {
  readonly isOpen: boolean;
  readonly bufferedAmount: number;
  send(message: Uint8Array<ArrayBuffer>): void;
}

/** The way to Python, shared by everybody's frames. Whoever owns the pipe calls `pump` when it opens or drains. */
export class Outlet {
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();
  #recorded: ReadonlySet<string> = new Set();
  #pipe: Pipe | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Go on with another pipe. What a recording has not got yet is sent again; for a live view it would be old. */
  use(pipe: Pipe | null): void {
    this.#pipe = pipe;
    for (const lane of this.#lanes.values()) lane.rewind();
  }

  /** Nothing of these is lost from now on, as far as the bound goes. */
  setRecorded(ids: ReadonlySet<string>): void {
    this.#recorded = ids;
    for (const lane of this.#lanes.values()) {
      if (ids.has(lane.participant)) lane.isRecorded = true;
      else if (lane.isRecorded) lane.release();
    }
  }

  isRecorded(participant: string): boolean {
    return this.#recorded.has(participant);
  }

  /** Whether frames of theirs are taken at all. */
  accepts(participant: string): boolean {
    return this.#pipe?.isOpen === true || this.isRecorded(participant);
  }

  /** Whether a keyframe that is asked for now would be of use: new when it arrives, or at least kept. */
  wantsKeyframe(participant: string): boolean {
    const lane = this.#lanes.get(participant);
    if (lane === undefined) return true;
    return lane.isRecorded ? !lane.isCut || this.#hasRecovered() : lane.pictures.length === 0;
  }

  /** Send a frame now or soon. False if it was refused: then no picture that needs it may follow. */
  send(frame: TapFrame): boolean {
    if (!this.accepts(frame.participant)) return false;
    const lane = this.#lane(frame.participant);
    if (!(lane.isRecorded ? this.#makeRoom(lane, frame) : this.#isLive(lane, frame))) return false;
    if (lane.isEmpty) lane.served = Math.max(lane.served, this.#leastServed());
    if (frame.kind === "video") lane.isCut = false;
    lane.add({ frame, since_ms: this.#now(), sentChunks: 0 });
    this.pump();
    return true;
  }

  /** Nobody wants anything of theirs any more. What has begun is finished. */
  drop(participant: string): void {
    const lane = this.#lanes.get(participant);
    if (lane === undefined) return;
    lane.release();
    lane.isLeft = true;
    if (lane.isEmpty) this.#lanes.delete(participant);
  }

  acknowledge(have: Have): void {
    this.#lanes.get(have.participant)?.acknowledge(have);
  }

  /** Fill the pipe again. */
  pump(): void {
    const pipe = this.#pipe;
    while (pipe?.isOpen && pipe.bufferedAmount + CHUNK_BYTES <= BUFFERED_BYTES) {
      const lane = this.#next();
      const next = lane?.next;
      if (lane === null || next === undefined) return;
      const sent_ms = performance.timeOrigin + performance.now();
      const message = chunk(next.frame, next.sentChunks, { sent_ms, isKept: lane.isRecorded });
      pipe.send(message);
      lane.served += message.byteLength;
      lane.advance(next);
      if (lane.isEmpty && lane.isLeft) this.#lanes.delete(lane.participant);
    }
  }

  #lane(participant: string): Lane {
    const lane = this.#lanes.get(participant) ?? new Lane(participant);
    lane.isRecorded = this.isRecorded(participant);
    lane.isLeft = false;
    this.#lanes.set(participant, lane);
    return lane;
  }

  #next(): Lane | null {
    let next: Lane | null = null;
    for (const lane of this.#lanes.values()) {
      if (lane.isEmpty) continue;
      if (lane.hasFreshSound) return lane;
      if (next === null || lane.served < next.served) next = lane;
    }
    return next;
  }

  #leastServed(): number {
    const busy = [...this.#lanes.values()].filter((lane) => !lane.isEmpty);
    return busy.length === 0 ? 0 : Math.min(...busy.map(({ served }) => served));
  }

  #isLive(lane: Lane, frame: TapFrame): boolean {
    if (frame.kind === "audio") return true;
    const first = lane.pictures[0];
    // a single picture may be larger than the bound, else a large one would never arrive
    if (first === undefined) return true;
    const waiting = lane.pictures.reduce((sum, { frame }) => sum + frame.data.byteLength, 0);
    if (waiting + frame.data.byteLength <= WAITING_BYTES && this.#now() - first.since_ms <= WAITING_MS)
      return true;
    lane.cut(); // they would be older than the keyframe that must follow
    return false;
  }

  #makeRoom(lane: Lane, frame: TapFrame): boolean {
    const isPicture = frame.kind === "video";
    // few long holes rather than many short ones: after a hole it goes on when half of the room is free
    if (isPicture && lane.isCut && !(frame.isKeyframe && this.#hasRecovered())) return false;
    let missing = this.#recorded_bytes() + frame.data.byteLength - RECORDED_BYTES;
    while (missing > 0) {
      const fullest = this.#fullest();
      const isOurs = fullest === null || fullest.bytes <= lane.bytes + frame.data.byteLength;
      if (fullest === null || (isPicture && isOurs)) {
        if (isPicture) lane.isCut = true;
        return false;
      }
      missing -= fullest.cut(1); // one picture, then look again who has the most
    }
    return true;
  }

  #recorded_bytes(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) if (lane.isRecorded) sum += lane.bytes;
    return sum;
  }

  #hasRecovered(): boolean {
    return this.#recorded_bytes() <= RECORDED_BYTES / 2;
  }

  /** The recorded one with the most in memory that has pictures to lose. */
  #fullest(): Lane | null {
    let fullest: Lane | null = null;
    for (const lane of this.#lanes.values()) {
      const last = lane.pictures.at(-1);
      if (!lane.isRecorded || last === undefined || last.sentChunks > 0) continue;
      if (fullest === null || lane.bytes > fullest.bytes) fullest = lane;
    }
    return fullest;
  }
}
