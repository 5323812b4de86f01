/** Which of one receiver's frames are copied: only while wanted, from a keyframe on, without a hole. */
import { codecOf, type Kind } from "./format";
import type { Outlet } from "./outlet";

/** A keyframe costs the sender's network a burst: one that does not come is asked for no more often. */
export const KEYFRAME_MS = 1000;
/** Python's own requests go on at once, but no more often; browsers make none faster either. */
export const REQUEST_MS = 300;

/** `RTCEncodedVideoFrame` or `RTCEncodedAudioFrame` (webrtc-encoded-transform), as much as is read of it. */
export interface CodedFrame {
  readonly type?: string;
  readonly timestamp?: number;
  readonly data: ArrayBuffer;
  getMetadata(): {
    readonly rtpTimestamp?: number;
    readonly mimeType?: string;
    readonly payloadType?: number;
    readonly receiveTime?: number;
    readonly captureTime?: number;
    readonly width?: number;
    readonly height?: number;
  };
}

export interface CopierOptions {
  readonly participant: string;
  readonly kind: Kind;
  readonly stream: number;
  readonly outlet: Outlet;
  readonly askKeyframe: () => void;
  /** Called once for each payload type whose codec the browser does not say. */
  readonly askCodecs: () => void;
  readonly now?: () => number;
}

/** The copies of one receiver's frames. */
export class Copier {
  readonly participant: string;
  readonly kind: Kind;
  /** MIME types by payload type, for browsers whose frames do not say it. */
  codecs: Readonly<Record<number, string>> = {};
  readonly #options: CopierOptions;
  readonly #now: () => number;
  readonly #unknown = new Set<number>();
  #isWanted = false;
  #awaitsKeyframe = true;
  #wantsKeyframe = false;
  #isDropping = false;
  #asked_ms = Number.NEGATIVE_INFINITY;
  #number = 0;
  #width = 0;
  #height = 0;

  constructor(options: CopierOptions) {
    this.participant = options.participant;
    this.kind = options.kind;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  set isWanted(on: boolean) {
    if (on === this.#isWanted) return;
    this.#isWanted = on;
    if (on) this.restart();
    else this.#options.outlet.drop(this.participant);
  }

  /** The receiver has ended; what it brought is still on its way. */
  end(): void {
    this.#isWanted = false;
  }

  /** Begin again at a keyframe. */
  restart(): void {
    this.#awaitsKeyframe = true;
    this.#isDropping = false;
    if (this.#isWanted) this.requestKeyframe();
  }

  /** Python asks; it is asked again until one comes, because a request may get lost. */
  requestKeyframe(): void {
    if (this.kind === "audio") return;
    this.#wantsKeyframe = true;
    this.#ask(REQUEST_MS);
  }

  /** Look at a frame that passes; its bytes are copied before this returns. */
  take(frame: CodedFrame): void {
    if (!this.#isWanted || !this.#options.outlet.accepts(this.participant)) return;
    // Chromium passes RTP packets of mere padding, with which it probes the network, as frames of sound without a byte
    if (frame.data.byteLength === 0) return;
    const isKeyframe = this.kind === "audio" || frame.type === "key";
    const metadata = frame.getMetadata();
    if (isKeyframe) {
      this.#width = metadata.width ?? 0;
      this.#height = metadata.height ?? 0;
      this.#wantsKeyframe = false;
    } else if (this.#awaitsKeyframe || this.#wantsKeyframe) {
      this.#wantsKeyframe = true;
      this.#ask(KEYFRAME_MS);
    }
    if (this.kind === "video" && this.#awaitsKeyframe && !isKeyframe) {
      if (this.#isDropping) this.#number++; // Python counts the hole
      return;
    }
    const codec = this.#codec(metadata.mimeType, metadata.payloadType);
    if (codec === null) return;
    const sent = this.#options.outlet.send({
      participant: this.participant,
      kind: this.kind,
      codec,
      stream: this.#options.stream,
      number: this.#number++,
      isKeyframe,
      timestamp: metadata.rtpTimestamp ?? frame.timestamp ?? 0,
      arrived_ms: performance.timeOrigin + (metadata.receiveTime ?? performance.now()),
      captured_ms: performance.timeOrigin + (metadata.captureTime ?? Number.NaN),
      width: this.#width,
      height: this.#height,
      data: new Uint8Array(frame.data.slice(0)),
    });
    if (this.kind === "video") this.#awaitsKeyframe = this.#isDropping = !sent;
  }

  #codec(mimeType: string | undefined, payloadType: number | undefined): number | null {
    const name = mimeType ?? (payloadType === undefined ? undefined : this.codecs[payloadType]);
    if (name !== undefined) return codecOf(name);
    if (payloadType !== undefined && !this.#unknown.has(payloadType)) {
      this.#unknown.add(payloadType);
      this.#options.askCodecs();
    }
    return null;
  }

  #ask(interval_ms: number): void {
    if (!this.#options.outlet.wantsKeyframe(this.participant)) return;
    if (this.#now() - this.#asked_ms < interval_ms) return;
    this.#asked_ms = this.#now();
    this.#options.askKeyframe();
  }
}
