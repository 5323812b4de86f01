/**
 * The encoded tap: copies of the frames that others send to this page, on their way to Python, without a second
 * encoder anywhere. The work is done in a worker (`tap-worker.ts`); this is the page's handle on it.
 */
import { isId, type Kind } from "./tap/format";
import type { FromWorker, ToWorker, TransformOptions } from "./tap-worker";

/** The bundled worker, put in by build.mjs; absent in tests. */
declare const NBRTC_TAP_WORKER: string | undefined;

/** What is needed of a `Worker`. */
export interface TapWorker {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
}

interface Watched {
  readonly participant: string;
  readonly kind: Kind;
  readonly receiver: RTCRtpReceiver;
  readonly stream: number;
}

export interface TapOptions {
  /** Told once, in a sentence, why Python gets nothing of the others although it wants it. */
  readonly onProblem?: (message: string) => void;
  /** Their connection must be made anew: frames are led through a worker that was not allowed to start. */
  readonly onStuck?: (participant: string) => void;
  readonly makeWorker?: () => TapWorker;
}

const UNSUPPORTED =
  "The others' pictures and sound do not reach Python: this browser lacks RTCRtpScriptTransform. " +
  "Use a current Chromium, Edge, Firefox or Safari.";
const NO_WORKER =
  "The others' pictures and sound do not reach Python: this site's content security policy forbids workers " +
  'from blob: addresses. Allow them with "worker-src blob:".';

/** Bytes in the page's channel below which the worker may give more. */
const LOW_BYTES = 32 * 1024;

export class Tap {
  readonly #options: TapOptions;
  #worker: TapWorker | null = null;
  #isReady = false;
  #problem: string | null;
  #hasComplained = false;
  #watched: Watched[] = [];
  /** Never begins again: to the engine a smaller one is an older one. */
  #receivers = 0;
  #wanted: readonly string[] = [];
  #recorded: readonly string[] = [];
  /** Only while the channel could not be given to the worker. */
  #relayed: RTCDataChannel | null = null;
  /** Counts such channels: a message of the worker's may be for the one before. */
  #channels = 0;
  #given = 0;

  constructor(options: TapOptions = {}) {
    this.#options = options;
    this.#problem = isAvailable() || options.makeWorker ? null : UNSUPPORTED;
  }

  /** Whether frames of others can reach Python from this browser. */
  get supported(): boolean {
    return this.#problem === null;
  }

  /**
   * Send to the engine through this channel from now on. Called by the link in the very task that creates the channel:
   * only then a browser lets it go to the worker.
   */
  connect(channel: RTCDataChannel): void {
    this.#leave();
    const worker = this.#start();
    if (worker === null) return;
    try {
      worker.postMessage({ type: "channel", channel }, [channel as unknown as Transferable]);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "DataCloneError")) throw error;
      this.#relay(channel);
    }
  }

  /**
   * Lead the receiver's frames through the worker; copying is off until they are wanted. Call it in the `track` event:
   * Chromium never gives frames to a transform that comes later.
   */
  watch(participant: string, receiver: RTCRtpReceiver, kind: Kind): void {
    if (!isId(participant) || this.#watched.some((watched) => watched.receiver === receiver)) return;
    const worker = this.#start();
    if (worker === null) return;
    const stream = this.#receivers++ & 0xff;
    this.#watched = this.#watched.filter((w) => w.participant !== participant || w.kind !== kind);
    this.#watched.push({ participant, kind, receiver, stream });
    const options: TransformOptions = { participant, kind, stream };
    receiver.transform = new RTCRtpScriptTransform(worker as unknown as Worker, options);
  }

  /** They left; their receivers end by themselves. */
  forget(participant: string): void {
    this.#watched = this.#watched.filter((watched) => watched.participant !== participant);
  }

  /** Copy these participants' frames and nobody else's (`CallState.wanted`). */
  setWanted(ids: readonly string[]): void {
    if (isSame(ids, this.#wanted)) return;
    this.#wanted = [...ids];
    this.#worker?.postMessage({ type: "wanted", ids: this.#wanted });
    this.#complain();
  }

  /**
   * Keep these participants' frames until Python has them, over lost links too, as far as the worker's bound goes
   * (`CallState.recorded`); they must be wanted as well. Call it before `setWanted`, so that nothing is copied for a
   * live view only that is to be in a file.
   */
  setRecorded(ids: readonly string[]): void {
    if (isSame(ids, this.#recorded)) return;
    this.#recorded = [...ids];
    this.#worker?.postMessage({ type: "recorded", ids: this.#recorded });
  }

  /** End the worker. Receivers that it served must have ended; another `connect` begins anew. Idempotent. */
  close(): void {
    this.#leave();
    this.#watched = [];
    this.#worker?.terminate();
    this.#worker = null;
  }

  #start(): TapWorker | null {
    if (this.#worker !== null || this.#problem !== null) return this.#worker;
    this.#isReady = false;
    try {
      this.#worker = (this.#options.makeWorker ?? startWorker)();
    } catch {
      this.#problem = NO_WORKER; // said when Python first wants something
      return null;
    }
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = () => this.#fail();
    if (this.#recorded.length > 0) this.#worker.postMessage({ type: "recorded", ids: this.#recorded });
    if (this.#wanted.length > 0) this.#worker.postMessage({ type: "wanted", ids: this.#wanted });
    return this.#worker;
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        break;
      case "message":
        if (message.channel !== this.#channels) break;
        this.#given += message.data.byteLength;
        if (this.#relayed?.readyState === "open") this.#relayed.send(message.data);
        this.#acknowledge();
        break;
      case "codecs-please":
        this.#tellCodecs(message.participant, message.kind);
    }
  }

  /** An error before the worker is ready: it was not allowed to run. Afterwards nothing of ours throws. */
  #fail(): void {
    if (this.#isReady) return;
    this.#problem = NO_WORKER;
    this.#worker?.terminate();
    this.#worker = null;
    const stuck = new Set(this.#watched.map(({ participant }) => participant));
    this.#watched = [];
    // taking the transform away does not bring the frames back, in Chromium at least
    for (const participant of stuck) this.#options.onStuck?.(participant);
    this.#complain();
  }

  #tellCodecs(participant: string, kind: Kind): void {
    const watched = this.#watched.find((w) => w.participant === participant && w.kind === kind);
    const known = watched?.receiver.getParameters().codecs ?? [];
    const codecs = Object.fromEntries(known.map(({ payloadType, mimeType }) => [payloadType, mimeType]));
    this.#worker?.postMessage({ type: "codecs", participant, kind, codecs });
  }

  // --- the channel in the page, where the browser does not let it go

  #relay(channel: RTCDataChannel): void {
    this.#relayed = channel;
    const number = ++this.#channels;
    this.#given = 0;
    channel.bufferedAmountLowThreshold = LOW_BYTES;
    const opened = () => this.#worker?.postMessage({ type: "relay", isOpen: true, channel: number });
    channel.onopen = opened;
    channel.onclose = () => this.#leave();
    channel.onbufferedamountlow = () => this.#acknowledge();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") this.#worker?.postMessage({ type: "said", text: data });
    };
    if (channel.readyState === "open") opened();
  }

  #acknowledge(): void {
    const channel = this.#relayed;
    if (channel === null || this.#given === 0 || channel.bufferedAmount > LOW_BYTES) return;
    this.#worker?.postMessage({ type: "taken", bytes: this.#given });
    this.#given = 0;
  }

  #leave(): void {
    const channel = this.#relayed;
    if (channel === null) return;
    channel.onopen = channel.onclose = channel.onbufferedamountlow = channel.onmessage = null;
    this.#relayed = null;
    this.#worker?.postMessage({ type: "relay", isOpen: false, channel: this.#channels });
  }

  #complain(): void {
    if (this.#problem === null || this.#hasComplained || !this.#wanted.some((id) => id !== "you")) return;
    this.#hasComplained = true;
    this.#options.onProblem?.(this.#problem);
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((id, i) => id === others[i]);
}

function isAvailable(): boolean {
  return (
    typeof RTCRtpScriptTransform === "function" &&
    typeof Worker === "function" &&
    typeof NBRTC_TAP_WORKER === "string"
  );
}

function startWorker(): TapWorker {
  const url = URL.createObjectURL(new Blob([NBRTC_TAP_WORKER ?? ""], { type: "text/javascript" }));
  try {
    return new Worker(url, { name: "nbrtc-tap" }) as TapWorker;
  } finally {
    URL.revokeObjectURL(url); // resolved by the constructor already (File API, section 8.3.1)
  }
}
