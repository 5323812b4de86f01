/**
 * A plain page for tests/browser/test_sound.py: what Python sends of sound arrives over a real connection, goes through
 * `Sound`, and over another one to somebody who listens.
 */
import { Sound, type Sources } from "../src/media/sound";

const contexts: AudioContext[] = [];
const gathered: Promise<void>[] = [];

function tone(frequency: number): MediaStreamTrack {
  const context = new AudioContext();
  contexts.push(context);
  const oscillator = new OscillatorNode(context, { frequency });
  const out = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(new GainNode(context, { gain: 0.3 })).connect(out);
  oscillator.start();
  return first(out.stream.getAudioTracks());
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("There is none.");
  return item;
}

/** The sender of a new connection, and the track at its other end. */
async function wire(): Promise<{ sender: RTCRtpSender; received: MediaStreamTrack }> {
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = ({ candidate }) => candidate && gathered.push(there.addIceCandidate(candidate));
  there.onicecandidate = ({ candidate }) => candidate && gathered.push(here.addIceCandidate(candidate));
  const { sender } = here.addTransceiver("audio", { direction: "sendonly" });
  await here.setLocalDescription();
  await there.setRemoteDescription(here.localDescription as RTCSessionDescription);
  await there.setLocalDescription();
  await here.setRemoteDescription(there.localDescription as RTCSessionDescription);
  return { sender, received: first(there.getReceivers()).track };
}

const microphone = tone(440);
const tab = tone(2500);
let sound: Sound;
let out: RTCRtpSender;
let python: MediaStreamTrack;
let listener: AnalyserNode;
let element: HTMLAudioElement;

async function start(): Promise<void> {
  const [link, peer] = await Promise.all([wire(), wire()]);
  await link.sender.replaceTrack(tone(1000));
  python = link.received;
  out = peer.sender;
  sound = new Sound(() => void out.replaceTrack(sound.track));
  const context = new AudioContext();
  contexts.push(context);
  element = new Audio();
  element.muted = true;
  element.srcObject = new MediaStream([peer.received]);
  listener = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(element.srcObject).connect(listener);
  await Promise.all(contexts.map((each) => each.resume()));
}

/** What is sent, by name; true where the sources have it. */
async function send(given: {
  microphone?: boolean;
  python?: boolean;
  tab?: boolean;
  isChanged?: boolean;
  delay_s?: number;
}): Promise<void> {
  sound.set({
    isChanged: false,
    delay_s: 0,
    ...given,
    microphone: given.microphone ? microphone : null,
    python: given.python ? python : null,
    tab: given.tab ? tab : null,
  } as Sources);
  await out.replaceTrack(sound.track);
}

/** The level of each tone in what the listener gets, in dB. */
function heard(): Record<string, number> {
  const levels = new Float32Array(listener.frequencyBinCount);
  listener.getFloatFrequencyData(levels);
  const bin = listener.context.sampleRate / listener.fftSize;
  const at = (hertz: number) => Math.max(-200, ...levels.slice(hertz / bin - 3, hertz / bin + 4));
  return { microphone: at(440), python: at(1000), tab: at(2500) };
}

Object.assign(window, { sounds: { start, send, heard } });
