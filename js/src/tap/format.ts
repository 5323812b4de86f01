/**
 * The messages of the encoded tap, page to engine; src/nbrtc/engine/tap_message.py reads them. One message is one
 * chunk of one encoded frame, big-endian:
 *
 * | offset | size | field                                                                          |
 * |--------|------|--------------------------------------------------------------------------------|
 * | 0      | 1    | version, 2                                                                     |
 * | 1      | 1    | flags: 1 video (else audio), 2 keyframe, 4 kept until the engine says it has it |
 * | 2      | 1    | codec: 1 VP8, 2 VP9, 3 AV1, 4 H264 (Annex B), 5 Opus                           |
 * | 3      | 1    | stream: counts the receivers of this page, modulo 256                          |
 * | 4      | 4    | number: counts the frames of the stream while it is wanted; a hole was dropped |
 * | 8      | 4    | RTP timestamp (RFC 3550)                                                       |
 * | 12     | 8    | when the frame arrived at this page, Unix time in ms, a double                 |
 * | 20     | 8    | when it was captured, in ms on a clock that the participant's sound and        |
 * |        |      | pictures share, a double; NaN where unknown                                    |
 * | 28     | 8    | when this message was given to the channel, on the clock of the arrival        |
 * | 36     | 4    | bytes of the whole frame                                                       |
 * | 40     | 2    | index of this chunk                                                            |
 * | 42     | 2    | count of chunks                                                                |
 * | 44     | 2    | width in pixels, 0 where unknown                                               |
 * | 46     | 2    | height                                                                         |
 * | 48     | 1    | length of the participant's id, 1 to 64                                        |
 * | 49     |      | the id in ASCII, then the chunk's bytes                                        |
 *
 * The engine speaks in text: `{"keyframe": id}` asks for one, and `{"have": [[id, kind, stream, number], ...]}` says
 * that it has everything kept up to there. After a lost link what it has not is sent again.
 */

export const VERSION = 2;
export const HEADER_BYTES = 49;
/** Of one message; what a data channel takes is 262,144 bytes, but audio must not wait behind so much. */
export const CHUNK_BYTES = 16 * 1024;
export const MAX_ID_BYTES = 64;

const VIDEO = 1;
const KEYFRAME = 2;
const KEPT = 4;

export const CODECS = { vp8: 1, vp9: 2, av1: 3, h264: 4, opus: 5 } as const;

export type Kind = "audio" | "video";

/** One encoded frame on its way to Python. */
export interface TapFrame {
  readonly participant: string;
  readonly kind: Kind;
  readonly codec: number;
  readonly stream: number;
  readonly number: number;
  readonly isKeyframe: boolean;
  readonly timestamp: number;
  readonly arrived_ms: number;
  /** NaN where the browser does not say it. */
  readonly captured_ms: number;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What the engine has of a stream. */
export interface Have {
  readonly participant: string;
  readonly kind: Kind;
  readonly stream: number;
  readonly number: number;
}

/** What the engine says. */
export interface Said {
  readonly keyframe: string | null;
  readonly have: readonly Have[];
}

/** The number of a codec by its MIME type ("video/VP8"), or null where Python could do nothing with it. */
export function codecOf(mimeType: string): number | null {
  const name = mimeType.slice(mimeType.indexOf("/") + 1).toLowerCase();
  return name in CODECS ? CODECS[name as keyof typeof CODECS] : null;
}

/** Whether an id fits into the header; the room's ids do. */
export function isId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ID_BYTES && /^[\x21-\x7e]+$/.test(id);
}

function room(frame: TapFrame): number {
  return CHUNK_BYTES - HEADER_BYTES - frame.participant.length;
}

export function chunkCount(frame: TapFrame): number {
  return Math.max(1, Math.ceil(frame.data.byteLength / room(frame)));
}

/** How a message leaves: when, and whether it is kept. */
export interface Sending {
  readonly sent_ms: number;
  readonly isKept: boolean;
}

/** The message that carries chunk `index` of a frame. */
export function chunk(frame: TapFrame, index: number, { sent_ms, isKept }: Sending): Uint8Array<ArrayBuffer> {
  const size = room(frame);
  const part = frame.data.subarray(index * size, (index + 1) * size);
  const start = HEADER_BYTES + frame.participant.length;
  const bytes = new Uint8Array(start + part.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(
    1,
    (frame.kind === "video" ? VIDEO : 0) | (frame.isKeyframe ? KEYFRAME : 0) | (isKept ? KEPT : 0),
  );
  view.setUint8(2, frame.codec);
  view.setUint8(3, frame.stream & 0xff);
  view.setUint32(4, frame.number >>> 0);
  view.setUint32(8, frame.timestamp >>> 0);
  view.setFloat64(12, frame.arrived_ms);
  view.setFloat64(20, frame.captured_ms);
  view.setFloat64(28, sent_ms);
  view.setUint32(36, frame.data.byteLength);
  view.setUint16(40, index);
  view.setUint16(42, chunkCount(frame));
  view.setUint16(44, frame.width);
  view.setUint16(46, frame.height);
  view.setUint8(48, frame.participant.length);
  for (let i = 0; i < frame.participant.length; i++)
    bytes[HEADER_BYTES + i] = frame.participant.charCodeAt(i);
  bytes.set(part, start);
  return bytes;
}

/** What the engine, which is our own, says in a text. */
export function understand(text: string): Said {
  const said = JSON.parse(text) as { keyframe?: string; have?: [string, Kind, number, number][] };
  const have = (said.have ?? []).map(([participant, kind, stream, number]) => ({
    participant,
    kind,
    stream,
    number,
  }));
  return { keyframe: said.keyframe ?? null, have };
}
