/**
 * A plain page for benchmarks/collecting.py: connections that send a small picture and a tone both ways, polled and told
 * as in a call, or not.
 */
import { signal } from "@preact/signals";
import type { CallState, StatsSample } from "../src/messages";
import { Analysis } from "../src/stats/analysis";

const state = signal({ statsIntervalS: 1, participants: [] } as unknown as CallState);
const connections: RTCPeerConnection[] = [];
const problems: string[] = [];
let channel: RTCDataChannel;
let ended = new AbortController();
let samples = 0;
let bytes = 0;

const analysis = new Analysis({
  hasPython: () => true,
  state,
  onPoint: () => undefined,
  send: (message) => {
    if (channel.readyState !== "open") return false;
    const text = JSON.stringify(message);
    channel.send(text);
    if ((message as StatsSample).type === "stats") {
      samples += 1;
      bytes += text.length;
    }
    return true;
  },
  sendByComm: () => undefined,
  onProblem: (text) => problems.push(text),
});

/** A picture a second: what is measured is not the encoder. */
function media(): MediaStream {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const picture = canvas.getContext("2d");
  if (picture === null) throw new Error("This browser draws no canvas.");
  let frame = 0;
  const draw = () => picture.fillRect(frame++ % 160, 0, 1, 120);
  draw();
  setInterval(draw, 1000);
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const sound = new MediaStreamAudioDestinationNode(context);
  tone.connect(sound);
  tone.start();
  return new MediaStream([...canvas.captureStream().getTracks(), ...sound.stream.getTracks()]);
}

async function connect(stream: MediaStream): Promise<void> {
  const [ours, theirs] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (const end of [ours, theirs]) for (const track of stream.getTracks()) end.addTrack(track, stream);
  ours.onicecandidate = ({ candidate }) => theirs.addIceCandidate(candidate ?? undefined);
  theirs.onicecandidate = ({ candidate }) => ours.addIceCandidate(candidate ?? undefined);
  const control = ours.createDataChannel("control", { negotiated: true, id: 0 });
  theirs.createDataChannel("control", { negotiated: true, id: 0 });
  await ours.setLocalDescription();
  await theirs.setRemoteDescription(ours.localDescription as RTCSessionDescription);
  await theirs.setLocalDescription();
  await ours.setRemoteDescription(theirs.localDescription as RTCSessionDescription);
  await new Promise((resolve) => {
    control.onopen = resolve;
  });
  if (connections.length === 0) channel = control;
  connections.push(ours);
}

const api = {
  async start(count: number): Promise<void> {
    const stream = media();
    for (let made = 0; made < count; made += 1) await connect(stream);
    analysis.start();
  },
  collect(on: boolean): void {
    ended.abort();
    if (!on) return;
    ended = new AbortController();
    connections.forEach((connection, index) => {
      analysis.follow(index === 0 ? "python" : `peer ${index}`, connection, 1, ended.signal);
    });
  },
  /** Polls that went out, and their bytes, since the last call. */
  sent(): { samples: number; bytes: number } {
    const found = { samples, bytes };
    samples = bytes = 0;
    return found;
  },
  problems: () => problems,
};

Object.assign(globalThis, { collecting: api });
