/**
 * The one audio track that goes to the others. It is the microphone itself while nothing else is needed, or what Python
 * makes of it; with a shared tab's sound, a sound that Python plays, or behind a picture that Python changes, it comes
 * out of a Web Audio graph.
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
  /** What Python sends of sound, while it sends any. */
  readonly python: MediaStreamTrack | null;
  /** Python's is in the microphone's place: then the microphone is never heard, whether Python is there or not. */
  readonly isChanged: boolean;
  /** How far the picture is behind the voice, in seconds. */
  readonly delay_s: number;
}

export class Sound {
  readonly #onChange: () => void;
  #voice: MediaStreamTrack | null = null;
  #graph: Graph | null = null;

  /** `onChange` is told when `track` became another one by itself. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** A graph that the browser has not started would be silence: until it runs, the voice itself. */
  get track(): MediaStreamTrack | null {
    return this.#graph?.isRunning ? this.#graph.track : this.#voice;
  }

  set({ microphone, tab, python, isChanged, delay_s }: Sources): void {
    const voice = isChanged ? python : microphone;
    const played = isChanged ? null : python;
    this.#voice = voice;
    const needed = tab !== null || played !== null || (voice !== null && delay_s >= LEAST_DELAY_S);
    if (!needed || typeof AudioContext === "undefined") {
      this.close();
      return;
    }
    this.#graph ??= new Graph(this.#onChange);
    this.#graph.set({ voice, tab, played, remote: python, delay_s: Math.min(delay_s, MOST_DELAY_S) });
  }

  /** Idempotent; the tracks that were given stay as they are. */
  close(): void {
    this.#graph?.close();
    this.#graph = null;
  }
}

interface Inputs {
  readonly voice: MediaStreamTrack | null;
  readonly tab: MediaStreamTrack | null;
  readonly played: MediaStreamTrack | null;
  /** Which of them comes from a peer connection. */
  readonly remote: MediaStreamTrack | null;
  readonly delay_s: number;
}

interface Input {
  readonly track: MediaStreamTrack;
  readonly source: MediaStreamAudioSourceNode;
  readonly gain: GainNode;
  /** Chromium gives the sound of a peer to a graph only while an element has it, too (its issue 121673). */
  readonly element: HTMLAudioElement | null;
}

/** voice -> delay -> out <- tab, played */
class Graph {
  readonly #context = new AudioContext({ latencyHint: "interactive" });
  readonly #delay = new DelayNode(this.#context, { maxDelayTime: MOST_DELAY_S });
  readonly #out = new MediaStreamAudioDestinationNode(this.#context);
  #voice: Input | null = null;
  #tab: Input | null = null;
  #played: Input | null = null;
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

  set({ voice, tab, played, remote, delay_s }: Inputs): void {
    this.#voice = this.#plug(this.#voice, voice, remote, this.#delay);
    this.#tab = this.#plug(this.#tab, tab, remote, this.#out);
    this.#played = this.#plug(this.#played, played, remote, this.#out);
    if (Math.abs(delay_s - this.#delay_s) < STEP_S) return;
    this.#delay_s = delay_s;
    this.#delay.delayTime.setTargetAtTime(delay_s, this.#context.currentTime, FADE_S);
  }

  close(): void {
    this.#context.onstatechange = null;
    for (const input of [this.#voice, this.#tab, this.#played]) unplug(input);
    for (const track of this.#out.stream.getTracks()) track.stop();
    void this.#context.close();
  }

  #plug(
    input: Input | null,
    track: MediaStreamTrack | null,
    remote: MediaStreamTrack | null,
    into: AudioNode,
  ): Input | null {
    if (input?.track === track) return input;
    unplug(input);
    if (track === null) return null;
    const stream = new MediaStream([track]);
    let element: HTMLAudioElement | null = null;
    if (track === remote) {
      element = new Audio();
      element.muted = true;
      element.srcObject = stream;
    }
    const source = this.#context.createMediaStreamSource(stream);
    const gain = new GainNode(this.#context, { gain: 0 });
    gain.gain.setTargetAtTime(1, this.#context.currentTime, FADE_S);
    source.connect(gain).connect(into);
    return { track, source, gain, element };
  }
}

function unplug(input: Input | null): void {
  input?.source.disconnect();
  input?.gain.disconnect();
  if (input?.element) input.element.srcObject = null;
}
