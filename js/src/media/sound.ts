/**
 * The one audio track that goes to the others. It is the microphone itself while nothing else is needed; with a shared
 * tab's sound, or behind a picture that Python changes, it comes out of a Web Audio graph.
 */

/** Nobody hears less than this as out of step (ITU-R BT.1359: from 45 ms on). */
const LEAST_DELAY_S = 0.04;
const MOST_DELAY_S = 2;
/** Smaller corrections would only be heard as a wobble. */
const STEP_S = 0.02;
/** So long a source fades in: a step in the waveform is a click. */
const FADE_S = 0.01;

export interface Sources {
  readonly microphone: MediaStreamTrack | null;
  readonly tab: MediaStreamTrack | null;
  /** How far the picture is behind the microphone, in seconds. */
  readonly delay_s: number;
}

export class Sound {
  readonly #onChange: () => void;
  #microphone: MediaStreamTrack | null = null;
  #graph: Graph | null = null;

  /** `onChange` is told when `track` became another one by itself. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** A graph that the browser has not started would be silence: until it runs, the microphone itself. */
  get track(): MediaStreamTrack | null {
    return this.#graph?.isRunning ? this.#graph.track : this.#microphone;
  }

  set({ microphone, tab, delay_s }: Sources): void {
    this.#microphone = microphone;
    const needed = tab !== null || (microphone !== null && delay_s >= LEAST_DELAY_S);
    if (!needed || typeof AudioContext === "undefined") {
      this.close();
      return;
    }
    this.#graph ??= new Graph(this.#onChange);
    this.#graph.set({ microphone, tab, delay_s: Math.min(delay_s, MOST_DELAY_S) });
  }

  /** Idempotent; the tracks that were given stay as they are. */
  close(): void {
    this.#graph?.close();
    this.#graph = null;
  }
}

interface Input {
  readonly track: MediaStreamTrack;
  readonly source: MediaStreamAudioSourceNode;
  readonly gain: GainNode;
}

/** microphone -> delay -> out <- tab */
class Graph {
  readonly #context = new AudioContext({ latencyHint: "interactive" });
  readonly #delay = new DelayNode(this.#context, { maxDelayTime: MOST_DELAY_S });
  readonly #out = new MediaStreamAudioDestinationNode(this.#context);
  #microphone: Input | null = null;
  #tab: Input | null = null;
  #delay_s = 0;

  constructor(onChange: () => void) {
    this.#delay.connect(this.#out);
    this.#context.onstatechange = onChange;
    // suspended until the person has clicked somewhere; `isRunning` says it, also where the graph is closed before that
    this.#context.resume().catch(() => onChange());
  }

  get isRunning(): boolean {
    return this.#context.state === "running";
  }

  get track(): MediaStreamTrack | null {
    return this.#out.stream.getAudioTracks()[0] ?? null;
  }

  set({ microphone, tab, delay_s }: Sources): void {
    this.#microphone = this.#plug(this.#microphone, microphone, this.#delay);
    this.#tab = this.#plug(this.#tab, tab, this.#out);
    if (Math.abs(delay_s - this.#delay_s) < STEP_S) return;
    this.#delay_s = delay_s;
    this.#delay.delayTime.setTargetAtTime(delay_s, this.#context.currentTime, FADE_S);
  }

  close(): void {
    this.#context.onstatechange = null;
    for (const track of this.#out.stream.getTracks()) track.stop();
    void this.#context.close();
  }

  #plug(input: Input | null, track: MediaStreamTrack | null, into: AudioNode): Input | null {
    if (input?.track === track) return input;
    input?.source.disconnect();
    input?.gain.disconnect();
    if (track === null) return null;
    const source = this.#context.createMediaStreamSource(new MediaStream([track]));
    const gain = new GainNode(this.#context, { gain: 0 });
    gain.gain.setTargetAtTime(1, this.#context.currentTime, FADE_S);
    source.connect(gain).connect(into);
    return { track, source, gain };
  }
}
