/** The dark stage: status and badge at the top, the pictures, and at the bottom what wants an answer. */
import type { Signal } from "@preact/signals";
import type { SessionView } from "../contract";
import { Badge } from "./badge";
import { Banners } from "./banners";
import { Gallery, type Layout, LayoutSwitch } from "./gallery";
import { Notices } from "./notices";
import { isInRoom, isRefused, viewOf } from "./phases";
import { PythonSound, soundWords } from "./python-sound";
import { isMirrored, pendingOf } from "./seats";
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

interface TilesProps {
  readonly session: SessionView;
}

function CameraTile({ session }: TilesProps) {
  const phase = session.phase.value;
  const inCall = viewOf(session) === "call";
  const open = phase === "preview" || inCall;
  const asked =
    phase === "starting" && session.localStream.value === null && session.preferences.value.useCamera;
  return (
    <Tile
      who="own"
      label="Your camera"
      name="You"
      line={inCall ? soundWords(session) : ""}
      icon="person"
      stream={session.localStream.value}
      mirrored={isMirrored(session)}
      isInset
      absence={asked || (open && session.cameraOn.value) ? null : "Camera is off"}
      pending={pendingOf(session)}
    />
  );
}

function PythonTile({ session }: TilesProps) {
  const camera = session.cameraOn.value;
  const starting = session.phase.value === "starting";
  const effect = session.state.value?.videoEffect ?? null;
  const receives = camera ? "receives your video" : `receives no video ${starting ? "yet" : "now"}`;
  // Words cover the picture while the camera is off: the last frame would stand there as if it were on.
  return (
    <Tile
      who="python"
      label="Python's picture"
      name="Python"
      line={effect === null ? receives : `${receives}, changed by ${effect}`}
      icon="python"
      stream={session.remoteStream.value}
      absence={camera || starting ? null : "Your camera is off"}
      pending="Waiting for Python's picture"
    />
  );
}

/** Python's picture in the camera's place is one's own; the camera that Python still gets stands in its corner. */
function SourceTiles({ session, source }: TilesProps & { readonly source: string }) {
  const words = [`Python's picture: ${source}`, soundWords(session)].filter((text) => text !== "");
  return (
    <>
      <Tile
        who="own"
        label="Your picture"
        name="You"
        line={words.join(". ")}
        icon="python"
        stream={session.remoteStream.value}
        absence={null}
        pending="Waiting for Python's picture"
      />
      {session.cameraOn.value && (
        <Tile
          who="camera"
          label="Your camera"
          name="Camera"
          line="for Python"
          icon="person"
          stream={session.localStream.value}
          mirrored={isMirrored(session)}
          isInset
          absence={null}
          pending={pendingOf(session)}
        />
      )}
    </>
  );
}

function Pictures({ session, audible, layout }: StageProps) {
  const inCall = viewOf(session) === "call";
  const source = session.state.value?.videoSource ?? null;
  if (inCall && isInRoom(session)) return <Gallery session={session} audible={audible} layout={layout} />;
  if (inCall && source !== null) {
    return (
      <div class="nbrtc-tiles">
        <SourceTiles session={session} source={source} />
      </div>
    );
  }
  return (
    <div class="nbrtc-tiles">
      <CameraTile session={session} />
      {inCall && session.hasPython && <PythonTile session={session} />}
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
      {view === "call" && session.hasPython && <PythonSound session={session} audible={audible} />}
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
