/** The address of the demo page chooses what it shows: `?phase=connected&drawer=statistics&recording&theme=dark`. */
import type { Drawer, Level, PagePhase } from "../src/contract";
import { addEffects } from "./effects-scene";
import { callState, FakeSession } from "./fake-session";
import { picture } from "./pictures";
import { recordingsOf, saveSome } from "./recording-scene";
import { furnish } from "./room-scene";
import { measure } from "./stats-scene";

const sentences: Record<PagePhase, string> = {
  "waiting-for-kernel": "Waiting for the kernel…",
  "no-kernel": "No kernel answers. Run this cell again to use the call.",
  ready: "",
  preview: "Preview: only you see this.",
  starting: "Connecting to Python…",
  connected: "Connected",
  reconnecting: "The connection was lost. Reconnecting…",
  failed: "UDP between this browser and Python is blocked. Ask for a TURN server, or try again.",
  elsewhere: "This call is open in another window.",
  closed: "This call was closed in Python.",
};

const notices: { readonly key: string; readonly level: Level; readonly text: string }[] = [
  { key: "saved", level: "info", text: "The recording was saved as call-2025-03-14.mkv (12.4 MB)." },
  {
    key: "slow",
    level: "warning",
    text: "edges() takes 58 ms a frame: Python's picture runs at 17 frames a second.",
  },
  {
    key: "effect",
    level: "error",
    text: "edges() raised ValueError: the frame has 4 channels; return (H, W, 3) uint8.",
  },
];

/** A session that stands where the address says. */
export function sessionOf(query: URLSearchParams): FakeSession {
  const session = new FakeSession();
  const phase = (query.get("phase") ?? "ready") as PagePhase;
  const open = ["preview", "connected", "reconnecting"].includes(phase);
  session.phase.value = phase;
  session.statusText.value = sentences[phase];
  session.cameraOn.value = open && !query.has("camera-off");
  session.microphoneOn.value = open && !query.has("microphone-off");
  session.microphoneLevel.value = 0.55;
  session.drawer.value = query.get("drawer") as Drawer | null;
  if (open) {
    session.localStream.value = picture("camera");
    session.devices.value = {
      cameras: [{ id: "c1", label: "Integrated Camera (1280 × 720)" }],
      microphones: [{ id: "m1", label: "Headset Microphone, USB Audio Class" }],
    };
  }
  if (open && phase !== "preview" && !query.has("no-picture"))
    session.remoteStream.value = picture("changed");
  session.state.value = callState({
    joinRequested: query.has("join"),
    cameraRequested: query.has("camera-off"),
    videoEffect: query.get("effect"),
    ...recordingsOf(query),
  });
  furnish(session, query);
  addEffects(session, query);
  saveSome(session, query);
  session.notices.value = notices.slice(0, Number(query.get("notices") ?? 0));
  measure(session.stats, query);
  return session;
}
