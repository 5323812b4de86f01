/**
 * A plain page for tests/browser/test_tap.py: Bob's browser and ours in one window, and our link to a Python that the
 * test plays.
 */
import { Link } from "../src/link";
import type { Candidate } from "../src/messages";
import { Tap } from "../src/tap";

const problems: string[] = [];
const candidates: Candidate[] = [];
const tap = new Tap({ onProblem: (message) => problems.push(message) });
const video = document.createElement("video");
let bob: RTCPeerConnection;
let ours: RTCPeerConnection;
let link: Link | null = null;

/** Call Bob, who sends his camera with this codec; false if the browser lacks it. */
async function call(mimeType: string): Promise<boolean> {
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
  const devices = await navigator.mediaDevices.getUserMedia({
    video: { width: 640, height: 480, frameRate: 30 },
    audio: true,
  });
  for (const track of devices.getTracks()) {
    const transceiver = bob.addTransceiver(track);
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
      iceServers: [],
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
    candidates: () => candidates.splice(0),
    problems: () => problems,
    supported: () => tap.supported,
  },
});
