/** The card before a call: what will happen, with which devices, and the click that starts it. */
import type { SessionView } from "../contract";
import { CameraSelect, MicrophoneSelect, SoundSwitches, Switch } from "./devices";
import { Level } from "./level";

interface HintLook {
  readonly text: string;
  readonly look: "plain" | "asked" | "error";
}

function hintOf(session: SessionView): HintLook {
  const phase = session.phase.value;
  if (phase === "waiting-for-kernel") return { text: session.statusText.value, look: "plain" };
  if (phase === "no-kernel") return { text: session.statusText.value, look: "error" };
  return session.state.value?.joinRequested
    ? { text: "Python asks you to join.", look: "asked" }
    : { text: "", look: "plain" };
}

/** One paragraph whose words change: its place is kept, and a screen reader notices. */
function Hint({ session }: { readonly session: SessionView }) {
  const { text, look } = hintOf(session);
  return (
    <p class={`nbrtc-hint nbrtc-hint--${look}`} role={look === "error" ? "alert" : "status"}>
      {text}
    </p>
  );
}

export function PreJoin({ session }: { readonly session: SessionView }) {
  const phase = session.phase.value;
  const previewing = phase === "preview";
  const disabled = phase !== "ready" && !previewing;
  // In a preview the devices are open, and a switch means them; before, it means what Start camera will open.
  const camera = (on: boolean) => previewing && void session.setCamera(on);
  const microphone = (on: boolean) => previewing && void session.setMicrophone(on);
  return (
    <div class="nbrtc-prejoin">
      <p class="nbrtc-intro">
        Start camera opens your camera and microphone and connects them to this notebook's Python. Python
        receives your video; nothing is recorded until you ask.
      </p>
      <div class="nbrtc-fields">
        <div class="nbrtc-field">
          <Switch session={session} preference="useCamera" text="Use camera" onSwitch={camera} />
          <CameraSelect session={session} />
        </div>
        <div class="nbrtc-field">
          <Switch session={session} preference="useMicrophone" text="Use microphone" onSwitch={microphone} />
          <MicrophoneSelect session={session} />
        </div>
        <Level session={session} />
        <SoundSwitches session={session} />
      </div>
      <Hint session={session} />
      <div class="nbrtc-join">
        <button
          type="button"
          class="nbrtc-button nbrtc-button--primary"
          disabled={disabled}
          onClick={() => void session.start()}
        >
          {previewing ? "Join" : "Start camera"}
        </button>
        {previewing ? (
          <button type="button" class="nbrtc-button" onClick={() => session.leave()}>
            Stop preview
          </button>
        ) : (
          <button
            type="button"
            class="nbrtc-button"
            disabled={disabled}
            onClick={() => void session.preview()}
          >
            Preview first
          </button>
        )}
      </div>
    </div>
  );
}
