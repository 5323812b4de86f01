/** The dark stage: status and badge at the top, the pictures, and at the bottom what wants an answer. */
import type { SessionView } from "../contract";
import { Badge } from "./badge";
import { Banners } from "./banners";
import { Notices } from "./notices";
import { viewOf } from "./phases";
import { Remedy, Status } from "./status";
import { Tile } from "./tile";

interface StageProps {
  readonly session: SessionView;
  /** Whether this view plays Python's sound. */
  readonly audible: boolean;
}

function OwnTile({ session }: { readonly session: SessionView }) {
  const phase = session.phase.value;
  const open = phase === "preview" || viewOf(phase) === "call";
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

function PythonTile({ session, audible }: StageProps) {
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

export function Stage({ session, audible }: StageProps) {
  const phase = session.phase.value;
  const view = viewOf(phase);
  const hasTiles = view !== "message" && phase !== "failed";
  const recording = session.state.value?.recording ?? null;
  return (
    <div
      class={`nbrtc-stage nbrtc-stage--${view} nbrtc-stage--${phase} ${hasTiles ? "" : "nbrtc-stage--words"}`}
    >
      {hasTiles && (
        <div class="nbrtc-tiles">
          <OwnTile session={session} />
          {view === "call" && <PythonTile session={session} audible={audible} />}
        </div>
      )}
      <Badge recording={recording} />
      <Status session={session} />
      <Remedy session={session} />
      <div class="nbrtc-stage-foot">
        {view === "call" && <Banners session={session} />}
        <Notices session={session} />
      </div>
    </div>
  );
}
