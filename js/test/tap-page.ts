/**
 * A plain page for tests/browser/test_tap.py: Bob's browser and ours in one window, and our link to a Python that the
 * test plays.
 */
import { DIRECT } from "../src/ice/configuration";
import { Link } from "../src/link";
import type { Candidate } from "../src/messages";
import { Tap } from "../src/tap";
import { askCaptureTimes } from "../src/tap/capture-time";

const problems: string[] = [];
const candidates: Candidate[] = [];
const tap = new Tap({ onProblem: (message) => problems.push(message) });
const video = document.createElement("video");
let bob: RTCPeerConnection;
let ours: RTCPeerConnection;
let link: Link | null = null;

/** SHA-256 of what Bob's encoders made, in order, by kind. */
const encoded: Record<string, string[]> = { audio: [], video: [] };
/** When each flash was drawn, Unix time in seconds, and how much later than its beep. */
const drawn: [number, number][] = [];

/** Passes frames on and says what they were; RTP carries no temporal delimiters of AV1 (its RTP payload, section 5). */
const WITNESS = `onrtctransform = async ({ transformer: { readable, writable, options } }) => {
  const writer = writable.getWriter();
  for await (const frame of readable) {
    const begin = frame.getMetadata().mimeType === "video/AV1" ? 2 : 0;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", frame.data.slice(begin)));
    postMessage([options.kind, [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")]);
    await writer.write(frame);
  }
};`;

function witness(sender: RTCRtpSender, worker: Worker, kind: string): void {
  sender.transform = new RTCRtpScriptTransform(worker, { kind });
}

/** A flash and a beep of a tenth of a second, at once, twice a second. */
function clip(): MediaStream {
  const audio = new AudioContext({ sampleRate: 48_000 });
  const [tone, gain, out] = [
    audio.createOscillator(),
    audio.createGain(),
    audio.createMediaStreamDestination(),
  ];
  tone.frequency.value = 1000;
  gain.gain.value = 0;
  tone.connect(gain).connect(out);
  tone.start();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 240];
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  let [next_s, isOn] = [audio.currentTime + 1, false];
  gain.gain.setValueAtTime(1, next_s).setValueAtTime(0, next_s + 0.1);
  const draw = () => {
    const passed_s = audio.currentTime - next_s;
    if (!isOn && passed_s >= 0) drawn.push([(performance.timeOrigin + performance.now()) / 1000, passed_s]);
    isOn = passed_s >= 0 && passed_s < 0.1;
    if (passed_s >= 0.1) {
      next_s += 0.5;
      gain.gain.setValueAtTime(1, next_s).setValueAtTime(0, next_s + 0.1);
    }
    context.fillStyle = isOn ? "white" : "black";
    context.fillRect(0, 0, canvas.width, canvas.height);
    requestAnimationFrame(draw);
  };
  draw();
  return new MediaStream([...canvas.captureStream(30).getTracks(), ...out.stream.getTracks()]);
}

/** Call Bob, who sends his camera, or the clip, with this codec; false if the browser lacks it. */
async function call(mimeType: string, source: "camera" | "clip" = "camera"): Promise<boolean> {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const preferred = codecs.filter((codec) => codec.mimeType === mimeType);
  if (preferred.length === 0) return false;
  bob = new RTCPeerConnection();
  ours = new RTCPeerConnection();
  bob.onicecandidate = ({ candidate }) => ours.addIceCandidate(candidate ?? undefined);
  ours.onicecandidate = ({ candidate }) => bob.addIceCandidate(candidate ?? undefined);
  ours.ontrack = ({ receiver, track }) => {
    tap.watch("bob", receiver, track.kind as "audio" | "video");
    if (track.kind !== "video") return;
    video.srcObject = new MediaStream([track]);
    video.muted = true;
    void video.play();
  };
  const devices =
    source === "clip"
      ? clip()
      : await navigator.mediaDevices.getUserMedia({
          video: { width: 640, height: 480, frameRate: 30 },
          audio: true,
        });
  const worker = new Worker(URL.createObjectURL(new Blob([WITNESS], { type: "text/javascript" })));
  worker.onmessage = ({ data: [kind, hash] }: MessageEvent<[string, string]>) => encoded[kind]?.push(hash);
  for (const track of devices.getTracks()) {
    const transceiver = bob.addTransceiver(track);
    askCaptureTimes(transceiver);
    witness(transceiver.sender, worker, track.kind);
    if (track.kind === "video") transceiver.setCodecPreferences(preferred);
  }
  await bob.setLocalDescription();
  await ours.setRemoteDescription(bob.localDescription as RTCSessionDescription);
  await ours.setLocalDescription();
  await bob.setRemoteDescription(ours.localDescription as RTCSessionDescription);
  return true;
}

/** Offer a link to Python; with `late` the tap gets its channel when no browser lets it go any more. */
function offer(generation: number, late: boolean): Promise<string> {
  link?.close();
  return new Promise((resolve) => {
    const connect = tap.connect.bind(tap);
    tap.connect = (channel) => (late ? void setTimeout(() => connect(channel), 20) : connect(channel));
    link = new Link({
      generation,
      ice: DIRECT,
      takeOver: false,
      tap,
      offer: async ({ sdp }) => resolve(sdp),
      candidate: (candidate) => candidates.push(candidate),
      onEvent: () => undefined,
      onOpen: () => undefined,
      onCall: () => undefined,
      onFailed: (reason) => problems.push(reason),
    });
    tap.connect = connect;
    void link.start();
  });
}

async function answer(generation: number, sdp: string): Promise<void> {
  await link?.answer({ type: "answer", generation, sdp });
}

/** Keep this page from doing anything else. */
function block(milliseconds: number): void {
  const end_ms = performance.now() + milliseconds;
  while (performance.now() < end_ms);
}

/** How many pictures of Bob this page has shown. */
function shown(): number {
  return video.getVideoPlaybackQuality().totalVideoFrames;
}

async function encoders(): Promise<(string | undefined)[]> {
  const reports = [...(await bob.getStats()).values(), ...(await ours.getStats()).values()];
  return reports.filter((report) => report.type === "outbound-rtp").map((report) => report.kind);
}

Object.assign(window, {
  page: {
    call,
    offer,
    answer,
    block,
    shown,
    encoders,
    want: (ids: string[]) => tap.setWanted(ids),
    record: (ids: string[]) => tap.setRecorded(ids),
    encoded: () => encoded,
    drawn: () => drawn,
    candidates: () => candidates.splice(0),
    problems: () => problems,
    supported: () => tap.supported,
  },
});
