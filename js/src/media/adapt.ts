/**
 * Sending that suits the network: measures every connection once a second, lets the plan decide and sets the encoders.
 * All changes of video encodings in a call go through here or through `changeParameters`.
 */
import type { Sending } from "../contract";
import type { Quality } from "../messages";
import { type Circumstances, type Order, Plan, PYTHON } from "./plan";
import { changeParameters, SenderMeter, type Sent, type Size } from "./sender";

const INTERVAL_MS = 1000;
/** A screen whose shorter side is less than this is a phone's. */
const SMALL_SCREEN = 600;
const FULL_HD = 1920 * 1080;

/** One connection that video goes out on. */
export interface Outlet {
  /** ``"python"`` for the link, else a participant's id. */
  readonly id: string;
  readonly connection: RTCPeerConnection;
  readonly video: RTCRtpSender;
  /** 0.. in the order of joining, among the others. */
  readonly rank: number;
}

export interface AdapterOptions {
  readonly outlets: () => readonly Outlet[];
  readonly quality: () => Quality;
  /** What one peer's picture may use at most; null for no limit. */
  readonly cap_bps?: () => number | null;
  readonly isScreen: () => boolean;
  /** Everybody in the room, oneself too. */
  readonly people: () => number;
  /** What is really sent, whenever that changed; null while nothing is. */
  readonly onSending: (sending: Sending | null) => void;
}

interface Known {
  readonly meter: SenderMeter;
  readonly connection: RTCPeerConnection;
  sent: Sent | null;
  order: Order | null;
}

export class Adapter {
  readonly #options: AdapterOptions;
  #plan = new Plan();
  #known = new Map<string, Known>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #measuring = false;
  #said = "null";

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  /** Idempotent. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#tick(), INTERVAL_MS);
    this.refresh();
  }

  /** Idempotent; what was learned about the network is forgotten. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#plan = new Plan();
    this.#known.clear();
    this.#say(null);
  }

  /** Quality, source or outlets changed: do not wait for the next second. */
  refresh(): void {
    if (this.#timer !== undefined) this.#decide(false);
  }

  async #tick(): Promise<void> {
    if (this.#measuring) return; // a slow browser is asked less often
    this.#measuring = true;
    try {
      await Promise.all(this.#options.outlets().map((outlet) => this.#measure(outlet)));
    } finally {
      this.#measuring = false;
    }
    if (this.#timer === undefined) return;
    this.#decide(true);
    this.#say(this.#sending());
  }

  async #measure(outlet: Outlet): Promise<void> {
    const known = this.#knownOf(outlet);
    try {
      known.sent = await known.meter.read(outlet.video, known.order?.fps ?? this.#options.quality().fps);
    } catch {
      known.sent = null; // the connection was closed while it was asked
    }
  }

  #decide(isTick: boolean): void {
    const outlets = this.#options.outlets();
    for (const id of this.#known.keys()) {
      if (!outlets.some((outlet) => outlet.id === id)) this.#known.delete(id);
    }
    const sights = outlets.map((outlet) => {
      return { id: outlet.id, rank: outlet.rank, reading: this.#knownOf(outlet).sent?.reading ?? null };
    });
    const orders = this.#plan.next(this.#circumstances(outlets), sights, isTick);
    for (const outlet of outlets) {
      const order = orders.get(outlet.id);
      if (order !== undefined) this.#carryOut(outlet, order);
    }
  }

  #circumstances(outlets: readonly Outlet[]): Circumstances {
    const mesh = outlets.filter(({ id }) => id !== PYTHON);
    const shown = (mesh[0] ?? outlets[0])?.video.track;
    const size = shown ? sizeOfTrack(shown) : null;
    return {
      quality: this.#options.quality(),
      isScreen: this.#options.isScreen(),
      screenPixels: size === null ? FULL_HD : size.width * size.height,
      others: Math.max(mesh.length, this.#options.people() - 1),
      isModest: isModest(),
      cap_bps: this.#options.cap_bps?.() ?? null,
    };
  }

  #carryOut(outlet: Outlet, order: Order): void {
    const known = this.#knownOf(outlet);
    known.order = order;
    const { track } = outlet.video;
    const size = track === null ? null : (sizeOfTrack(track) ?? known.sent?.source ?? null);
    const video = changeParameters(outlet.video, (parameters) => setVideo(parameters, order, size));
    const audio = outlet.connection
      .getTransceivers()
      .filter(({ receiver }) => receiver.track.kind === "audio")
      .map(({ sender }) => changeParameters(sender, putFirst));
    // refused before the first negotiation and after the end; else it is tried again in a second
    void Promise.allSettled([video, ...audio]);
  }

  #knownOf(outlet: Outlet): Known {
    const known = this.#known.get(outlet.id);
    if (known?.connection === outlet.connection) return known;
    if (known !== undefined) this.#plan.restart(outlet.id);
    const made = { meter: new SenderMeter(), connection: outlet.connection, sent: null, order: null };
    this.#known.set(outlet.id, made);
    return made;
  }

  /** The largest of what is sent to people, or to Python where nothing is. */
  #sending(): Sending | null {
    const all = [...this.#known].filter(([, { sent }]) => sent?.size);
    const people = all.filter(([id]) => id !== PYTHON);
    const pixels = ({ sent }: Known) => (sent?.size?.width ?? 0) * (sent?.size?.height ?? 0);
    const best = (people.length > 0 ? people : all).map(([, known]) => known);
    const largest = best.sort((one, other) => pixels(other) - pixels(one))[0];
    if (!largest?.sent?.size) return null;
    const { size, reading } = largest.sent;
    return { ...size, fps: Math.round(reading.fps ?? 0), limitedBy: largest.order?.limitedBy ?? "" };
  }

  #say(sending: Sending | null): void {
    const text = JSON.stringify(sending);
    if (text === this.#said) return;
    this.#said = text;
    this.#options.onSending(sending);
  }
}

/** True where something had to be changed. */
function setVideo(parameters: RTCRtpSendParameters, order: Order, size: Size | null): boolean {
  const encoding = parameters.encodings[0];
  if (encoding === undefined) return false;
  const short = size === null ? 0 : Math.min(size.width, size.height);
  const scale = Math.max(1, Math.round((1000 * short) / order.short) / 1000);
  const changed = [
    assign(encoding, "scaleResolutionDownBy", scale),
    assign(encoding, "maxFramerate", order.fps),
    assign(encoding, "maxBitrate", Math.round(order.bitrate_bps)),
    assign(
      parameters as RTCRtpSendParameters & { degradationPreference?: string },
      "degradationPreference",
      order.keepsSize ? "maintain-resolution" : "balanced",
    ),
  ];
  return changed.includes(true);
}

/** Sound goes before pictures wherever both wait (webrtc-priority, RFC 8835 section 4). */
function putFirst(parameters: RTCRtpSendParameters): boolean {
  const encoding = parameters.encodings[0];
  if (encoding === undefined) return false;
  return [assign(encoding, "priority", "high"), assign(encoding, "networkPriority", "high")].includes(true);
}

function assign<Target extends object, Key extends keyof Target>(
  target: Target,
  key: Key,
  value: NonNullable<Target[Key]>,
): boolean {
  if (target[key] === value) return false;
  target[key] = value;
  return true;
}

function sizeOfTrack(track: MediaStreamTrack): Size | null {
  const { width, height } = track.getSettings();
  return width && height ? { width, height } : null;
}

interface NetworkInformation {
  readonly type?: string;
  readonly effectiveType?: string;
  readonly saveData?: boolean;
}

/** A small screen or a cellular connection (wicg.github.io/netinfo), where the browser says. */
function isModest(): boolean {
  const network = (globalThis.navigator as { connection?: NetworkInformation } | undefined)?.connection;
  const isThin = ["slow-2g", "2g", "3g"].includes(network?.effectiveType ?? "");
  const { width, height } = globalThis.screen ?? { width: Infinity, height: Infinity };
  const isSmall = Math.min(width, height) > 0 && Math.min(width, height) < SMALL_SCREEN;
  return isSmall || network?.type === "cellular" || isThin || network?.saveData === true;
}
