/**
 * Who speaks: compares how loud everybody is, ten times a second. A cough does not switch, and whoever spoke last keeps
 * the mark through a silence. No DOM.
 */

const INTERVAL_MS = 100;
/** Below this nobody counts as speaking: -42 dBFS, quieter than speech and louder than a quiet room. */
const SPEECH = 0.008;
/** How much louder than the present speaker another has to be: 3 dB. */
const LOUDER = 1.4;
/** For so long another has to be ahead before the mark moves; gaps between words count against it. */
export const SWITCH_MS = 600;
/** How quickly a mean level follows, per look. */
const FOLLOW = 0.4;

export type Source = RTCRtpReceiver | MediaStreamTrack;

interface Ear {
  /** Loudness now, 0 to 1, linear. */
  readonly listen: () => number;
  readonly close: () => void;
  /** Mean over a few words. */
  level: number;
  /** For how long it was ahead of the present speaker, gaps taken off. */
  ahead_ms: number;
}

export class Speaker {
  readonly #onSpeaker: (id: string | null) => void;
  readonly #ears = new Map<string, Ear>();
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #speaker: string | null = null;

  /** `onSpeaker` hears of every change: the id of whoever speaks or spoke last, null once that one is forgotten. */
  constructor(onSpeaker: (id: string | null) => void) {
    this.#onSpeaker = onSpeaker;
  }

  /** Listen to `source` for `id` from now on, instead of what was listened to before. */
  watch(id: string, source: Source): void {
    this.#ears.get(id)?.close();
    this.#ears.set(id, this.#ear(source));
    this.#timer ??= setInterval(() => this.#look(), INTERVAL_MS);
  }

  forget(id: string): void {
    this.#ears.get(id)?.close();
    this.#ears.delete(id);
    if (this.#speaker === id) this.#say(null);
    if (this.#ears.size === 0) this.#rest();
  }

  /** Forget everybody; idempotent, and another `watch` begins anew. */
  close(): void {
    for (const id of [...this.#ears.keys()]) this.forget(id);
    this.#rest();
  }

  #look(): void {
    const held = this.#speaker === null ? undefined : this.#ears.get(this.#speaker);
    for (const ear of this.#ears.values()) {
      const heard = ear.listen();
      ear.level += FOLLOW * (heard - ear.level);
      const isAhead = ear !== held && heard >= Math.max(SPEECH, (held?.level ?? 0) * LOUDER);
      ear.ahead_ms = Math.max(0, ear.ahead_ms + (isAhead ? INTERVAL_MS : -INTERVAL_MS));
    }
    const ready = [...this.#ears].filter(([, ear]) => ear.ahead_ms >= SWITCH_MS);
    const loudest = ready.sort(([, one], [, other]) => other.level - one.level)[0];
    if (loudest === undefined) return;
    for (const ear of this.#ears.values()) ear.ahead_ms = 0;
    this.#say(loudest[0]);
  }

  #say(id: string | null): void {
    if (id === this.#speaker) return;
    this.#speaker = id;
    this.#onSpeaker(id);
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    void this.#context?.close();
    this.#context = null;
  }

  #ear(source: Source): Ear {
    if ("getSynchronizationSources" in source) return this.#receiverEar(source);
    return { level: 0, ahead_ms: 0, ...this.#analyser(source) };
  }

  /** The level that the sender wrote into its packets, or that the browser measured: no audio graph is needed. */
  #receiverEar(receiver: RTCRtpReceiver): Ear {
    let graph: Pick<Ear, "listen" | "close"> | null = null;
    const listen = () => {
      const sources = receiver.getSynchronizationSources();
      const levels = sources.map(({ audioLevel }) => audioLevel).filter((level) => level !== undefined);
      if (levels.length > 0) return Math.max(...levels);
      // sound arrives, and this browser does not say how loud it is
      if (sources.length > 0) graph ??= this.#analyser(receiver.track);
      return graph?.listen() ?? 0;
    };
    return { level: 0, ahead_ms: 0, listen, close: () => graph?.close() };
  }

  #analyser(track: MediaStreamTrack): Pick<Ear, "listen" | "close"> {
    if (typeof AudioContext === "undefined") return { listen: () => 0, close: () => undefined };
    this.#context ??= new AudioContext();
    const analyser = new AnalyserNode(this.#context, { fftSize: 2048 });
    const input = this.#context.createMediaStreamSource(new MediaStream([track]));
    input.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const listen = () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    };
    return { listen, close: () => input.disconnect() };
  }
}
