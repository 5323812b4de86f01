/** The dark stage: status and badge at the top, the pictures, and at the bottom what wants an answer. */
import type { Signal } from "@preact/signals";
import type { SessionView } from "../contract";
import { Badge } from "./badge";
import { Banners } from "./banners";
import { Gallery, type Layout, LayoutSwitch } from "./gallery";
import { Notices } from "./notices";
import { isInRoom, isRefused, viewOf } from "./phases";
import { CallFinding } from "./statistics/findings";
import { Remedy, Status } from "./status";
import { Tile } from "./tile";
import { Toasts } from "./toasts";

interface StageProps {
  readonly session: SessionView;
  /** Whether this view plays the sound. */
  readonly audible: boolean;
  readonly layout: Signal<Layout>;
}

function OwnTile({ session }: { readonly session: SessionView }) {
  const phase = session.phase.value;
  const open = phase === "preview" || viewOf(session) === "call";
  const asked =
    phase === "starting" && session.localStream.value === null && session.preferences.value.useCamera;
  return (
    <Tile
      who="own"
      name="You"
      icon="person"
      stream={session.localStream.value}
      muted
      absence={asked || (open && session.cameraOn.value) ? null : "Camera is off"}
      pending="Opening your camera…"
    />
  );
}

function PythonTile({ session, audible }: Omit<StageProps, "layout">) {
  const camera = session.cameraOn.value;
  const starting = session.phase.value === "starting";
  const effect = session.state.value?.videoEffect ?? null;
  const receives = camera ? "receives your video" : `receives no video ${starting ? "yet" : "now"}`;
  // Words cover the picture while the camera is off: the last frame would stand there as if it were on.
  return (
    <Tile
      who="python"
      name="Python"
      line={effect === null ? receives : `${receives}, changed by ${effect}`}
      icon="python"
      stream={session.remoteStream.value}
      muted={!audible}
      absence={camera || starting ? null : "Your camera is off"}
      pending="Waiting for Python's picture"
    />
  );
}

function Pictures({ session, audible, layout }: StageProps) {
  const inCall = viewOf(session) === "call";
  if (inCall && isInRoom(session)) return <Gallery session={session} audible={audible} layout={layout} />;
  return (
    <div class="nbrtc-tiles">
      <OwnTile session={session} />
      {inCall && session.hasPython && <PythonTile session={session} audible={audible} />}
    </div>
  );
}

export function Stage({ session, audible, layout }: StageProps) {
  const phase = session.phase.value;
  const view = viewOf(session);
  const hasTiles = view !== "message" && (phase !== "failed" || isRefused(session));
  const inRoom = view === "call" && hasTiles && isInRoom(session);
  return (
    <div
      class={`nbrtc-stage nbrtc-stage--${view} nbrtc-stage--${phase} ${hasTiles ? "" : "nbrtc-stage--words"} ${inRoom ? "nbrtc-stage--room" : ""}`}
    >
      {hasTiles && <Pictures session={session} audible={audible} layout={layout} />}
      <div class="nbrtc-stage-head">
        <Badge session={session} />
        <Status session={session} />
        {inRoom && <LayoutSwitch session={session} layout={layout} />}
      </div>
      <Remedy session={session} />
      <div class="nbrtc-stage-foot">
        {inRoom && <Toasts session={session} />}
        {view === "call" && <Banners session={session} />}
        <Notices session={session} />
        <CallFinding session={session} />
      </div>
    </div>
  );
}
