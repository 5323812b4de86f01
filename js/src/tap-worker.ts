/**
 * The worker of the encoded tap: every frame that a browser peer receives passes through here, unchanged and at once
 * (RTCRtpScriptTransform, webrtc-encoded-transform), and is copied to Python while Python wants it. A worker, so that
 * a busy page delays neither the others' pictures nor the copies. `tap.ts` is its other half.
 */
import { type CodedFrame, Copier } from "./tap/copier";
import { type Kind, understand } from "./tap/format";
import { Outlet, type Pipe } from "./tap/outlet";

/** Page to worker. */
export type ToWorker =
  | { readonly type: "channel"; readonly channel: RTCDataChannel }
  /** The channel stays in the page, which sends for us. */
  | { readonly type: "relay"; readonly isOpen: boolean; readonly channel: number }
  /** The page's channel has taken so many bytes. */
  | { readonly type: "taken"; readonly bytes: number }
  | { readonly type: "wanted"; readonly ids: readonly string[] }
  | { readonly type: "recorded"; readonly ids: readonly string[] }
  | { readonly type: "codecs"; readonly participant: string; readonly kind: Kind; readonly codecs: Codecs }
  /** The engine said this in the page's channel. */
  | { readonly type: "said"; readonly text: string };

/** Worker to page. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "message"; readonly data: Uint8Array<ArrayBuffer>; readonly channel: number }
  | { readonly type: "codecs-please"; readonly participant: string; readonly kind: Kind };

export interface TransformOptions {
  readonly participant: string;
  readonly kind: Kind;
  readonly stream: number;
}

type Codecs = Readonly<Record<number, string>>;

interface Transformer {
  readonly options: TransformOptions;
  readonly readable: ReadableStream<CodedFrame>;
  readonly writable: WritableStream<CodedFrame>;
  sendKeyFrameRequest(): Promise<void>;
}

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  onrtctransform: ((event: { readonly transformer: Transformer }) => void) | null;
}

const scope = self as unknown as WorkerScope;
const outlet = new Outlet();
const copiers = new Set<Copier>();
let wanted: ReadonlySet<string> = new Set();
let channel: RTCDataChannel | null = null;
let relay: Relay | null = null;

/** Sends through the page, which says when its channel has taken what it was given. */
class Relay implements Pipe {
  readonly isOpen = true;
  bufferedAmount = 0;
  readonly #channel: number;

  /** `channel` is the page's number of it: what is on its way to one means nothing to the next. */
  constructor(channel: number) {
    this.#channel = channel;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    this.bufferedAmount += message.byteLength;
    scope.postMessage({ type: "message", data: message, channel: this.#channel }, [message.buffer]);
  }
}

scope.onmessage = ({ data: message }) => {
  switch (message.type) {
    case "channel":
      use(message.channel);
      break;
    case "relay":
      channel = null;
      relay = message.isOpen ? new Relay(message.channel) : null;
      outlet.use(relay);
      if (relay !== null) restart();
      break;
    case "taken":
      if (relay !== null) relay.bufferedAmount -= message.bytes;
      outlet.pump();
      break;
    case "wanted":
      wanted = new Set(message.ids);
      for (const copier of copiers) copier.isWanted = wanted.has(copier.participant);
      break;
    case "recorded":
      outlet.setRecorded(new Set(message.ids));
      break;
    case "codecs":
      for (const copier of copiers)
        if (copier.participant === message.participant && copier.kind === message.kind)
          copier.codecs = message.codecs;
      break;
    case "said":
      hear(message.text);
  }
};

scope.onrtctransform = ({ transformer }) => {
  const { participant, kind } = transformer.options;
  const copier = new Copier({
    ...transformer.options,
    outlet,
    // it rejects where the receiver has ended meanwhile, or the picture is off: there is nothing to ask for
    askKeyframe: () => void transformer.sendKeyFrameRequest().catch(() => undefined),
    askCodecs: () => scope.postMessage({ type: "codecs-please", participant, kind }),
  });
  copier.isWanted = wanted.has(participant);
  copiers.add(copier);
  void pass(transformer, copier);
};

/** Until the receiver ends. */
async function pass(transformer: Transformer, copier: Copier): Promise<void> {
  const reader = transformer.readable.getReader();
  const writer = transformer.writable.getWriter();
  try {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      try {
        copier.take(frame); // before it is passed on, which takes its bytes away
      } finally {
        await writer.write(frame);
      }
    }
  } finally {
    copier.end();
    copiers.delete(copier);
  }
}

function use(next: RTCDataChannel): void {
  channel = next;
  relay = null;
  next.binaryType = "arraybuffer";
  next.bufferedAmountLowThreshold = 32 * 1024;
  next.onopen = () => next === channel && restart();
  next.onbufferedamountlow = () => next === channel && outlet.pump();
  next.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (next === channel && typeof data === "string") hear(data);
  };
  outlet.use({
    get isOpen() {
      return next.readyState === "open";
    },
    get bufferedAmount() {
      return next.bufferedAmount;
    },
    send: (message) => next.send(message),
  });
  if (next.readyState === "open") restart();
}

/** The channel is open: what is recorded goes on where it was, a live view begins anew. */
function restart(): void {
  for (const copier of copiers) if (!outlet.isRecorded(copier.participant)) copier.restart();
  outlet.pump();
}

function hear(text: string): void {
  const { keyframe, have } = understand(text);
  for (const copier of copiers) if (copier.participant === keyframe) copier.requestKeyframe();
  for (const one of have) outlet.acknowledge(one);
}

scope.postMessage({ type: "ready" });
