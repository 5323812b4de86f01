/** The sound of everybody as one track that lasts as long as the recording, whoever comes, goes or changes tracks. */
import { ME } from "./consent";
import type { Source } from "./source";

/** So long a source fades in: a step in the waveform is a click. */
const FADE_S = 0.01;
/** Several voices at once must not clip: from here on, in dB, hardly anything more comes through. */
const LIMIT_DB = -3;
const RATIO = 20;
/** The browser makes up for the limiter by itself (webaudio, section 1.20.5); a single voice is to stay as it was. */
const MAKE_UP = 10 ** ((LIMIT_DB * (1 - 1 / RATIO) * 0.6) / 20);

interface Input {
  readonly source: MediaStreamAudioSourceNode;
  readonly gain: GainNode;
  /** Chromium gives the sound of a peer to a graph only while an element plays it, too (its issue 121673). */
  readonly element: HTMLAudioElement | null;
}

export class Mix {
  readonly track: MediaStreamTrack;
  readonly #context: AudioContext;
  readonly #out: MediaStreamAudioDestinationNode;
  readonly #limiter: DynamicsCompressorNode;
  readonly #level: GainNode;
  readonly #inputs = new Map<string, Input>();

  /** The context is its owner's to close. */
  constructor(context: AudioContext) {
    this.#context = context;
    this.#limiter = new DynamicsCompressorNode(context, {
      threshold: LIMIT_DB,
      knee: 0,
      ratio: RATIO,
      attack: 0.003,
      release: 0.25,
    });
    this.#level = new GainNode(context, { gain: MAKE_UP });
    this.#out = new MediaStreamAudioDestinationNode(context);
    this.#limiter.connect(this.#level).connect(this.#out);
    const track = this.#out.stream.getAudioTracks()[0];
    if (track === undefined) throw new Error("This browser cannot record sound.");
    this.track = track;
  }

  /** Whom to hear from now on. */
  set(sources: readonly Source[]): void {
    const wanted = new Set<string>();
    for (const { id, audio } of sources) {
      for (const track of audio) {
        if (track.readyState === "ended") continue;
        const key = `${id} ${track.id}`;
        wanted.add(key);
        if (!this.#inputs.has(key)) this.#inputs.set(key, this.#plug(track, id !== ME));
      }
    }
    for (const [key, input] of this.#inputs) {
      if (wanted.has(key)) continue;
      unplug(input);
      this.#inputs.delete(key);
    }
  }

  /** Idempotent. */
  close(): void {
    for (const input of this.#inputs.values()) unplug(input);
    this.#inputs.clear();
    this.#level.disconnect();
    this.#limiter.disconnect();
    this.track.stop();
  }

  #plug(track: MediaStreamTrack, isRemote: boolean): Input {
    const stream = new MediaStream([track]);
    let element: HTMLAudioElement | null = null;
    if (isRemote) {
      element = new Audio();
      element.muted = true;
      element.srcObject = stream;
    }
    const source = this.#context.createMediaStreamSource(stream);
    const gain = new GainNode(this.#context, { gain: 0 });
    gain.gain.setTargetAtTime(1, this.#context.currentTime, FADE_S);
    source.connect(gain).connect(this.#limiter);
    return { source, gain, element };
  }
}

function unplug({ source, gain, element }: Input): void {
  source.disconnect();
  gain.disconnect();
  if (element !== null) element.srcObject = null;
}
