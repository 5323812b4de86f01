/** The card before a call: what will happen, with which devices, in which room, and the click that starts it. */
import { useLayoutEffect } from "preact/hooks";
import type { SessionView } from "../contract";
import { EFFECTS } from "../messages";
import { actionsOf } from "./actions";
import { CheckField } from "./check-card";
import { CameraSelect, MicrophoneSelect, SoundSwitches, Switch } from "./devices";
import { effectOf, effectsPanel } from "./effects-menu";
import { Icon } from "./icons";
import { Level } from "./level";
import { isRefused } from "./phases";
import { type Opened, Popover } from "./popover";
import { refusalText } from "./refusals";
import { isSaid, type RoomDraft, RoomFields, roomOf, say, useRoomDraft } from "./room-fields";

interface CardProps {
  readonly session: SessionView;
  readonly draft: RoomDraft;
}

interface HintLook {
  readonly text: string;
  readonly look: "plain" | "asked" | "error";
}

function hintOf({ session, draft }: CardProps): HintLook {
  const phase = session.phase.value;
  if (phase === "waiting-for-kernel") return { text: session.statusText.value, look: "plain" };
  if (phase === "no-kernel") return { text: session.statusText.value, look: "error" };
  const refusal = draft.refusal.value || refusalText(session.state.value?.room ?? null);
  if (refusal !== "") return { text: refusal, look: "error" };
  return session.state.value?.joinRequested
    ? { text: "Python asks you to join.", look: "asked" }
    : { text: "", look: "plain" };
}

/** One paragraph whose words change: its place is kept, and a screen reader notices. */
function Hint(props: CardProps) {
  const { text, look } = hintOf(props);
  return (
    <p class={`nbrtc-hint nbrtc-hint--${look}`} role={look === "error" ? "alert" : "status"}>
      {text}
    </p>
  );
}

function Intro({ session, draft }: CardProps) {
  const id = roomOf(session, draft);
  const room = session.state.value?.room ?? null;
  const previewing = session.phase.value === "preview";
  const button = session.hasPython && !previewing ? "Start camera" : "Join";
  if (id === "" && !session.hasPython) {
    return (
      <p class="nbrtc-intro">
        Name the room to enter. Join opens your camera and microphone; whoever is in the room sees and hears
        you, and a Python of theirs may receive your video.
      </p>
    );
  }
  if (id === "") {
    return (
      <p class="nbrtc-intro">
        {previewing
          ? "Join connects your camera and microphone to this notebook's Python."
          : `${button} opens your camera and microphone and connects them to this notebook's Python.`}{" "}
        Python receives your video; nothing is recorded until you ask.
      </p>
    );
  }
  return (
    <p class="nbrtc-intro">
      {button} {previewing ? "" : "opens your camera and microphone and "}takes you into the room{" "}
      <strong>
        <bdi>{room?.id === id ? room.name : id}</bdi>
      </strong>
      . Others in the room see and hear you, and a Python of theirs may receive your video
      {session.hasPython ? ", as may this notebook's" : ""}: it is shown whose does. A red badge tells
      everybody when someone records.
    </p>
  );
}

function Shortcomings({ session }: { readonly session: SessionView }) {
  if (session.shortcomings.length === 0) return null;
  return (
    <ul class="nbrtc-shortcomings" aria-label="What this browser lacks">
      {session.shortcomings.map((text) => (
        <li key={text}>
          <Icon name="warning" size={16} />
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}

function Buttons({ session, draft }: CardProps) {
  const phase = session.phase.value;
  const previewing = phase === "preview";
  const disabled = (phase !== "ready" && !previewing && !isRefused(session)) || draft.saying.value;
  const start = async (event: Event) => {
    event.preventDefault(); // the form may be gone before the browser would submit it
    // Without anything to say first: some browsers open devices only in the click itself.
    if (isSaid(session, draft) || (await say(session, draft))) await session.start();
  };
  return (
    <div class="nbrtc-join">
      <button type="submit" class="nbrtc-button nbrtc-button--primary" disabled={disabled} onClick={start}>
        {previewing || !session.hasPython ? "Join" : "Start camera"}
      </button>
      {previewing ? (
        <button type="button" class="nbrtc-button" onClick={() => session.leave()}>
          Stop preview
        </button>
      ) : (
        <button type="button" class="nbrtc-button" disabled={disabled} onClick={() => void session.preview()}>
          Preview first
        </button>
      )}
    </div>
  );
}

interface PreJoinProps {
  readonly session: SessionView;
  /** Which panel of the card is open in this view. */
  readonly opened: Opened;
}

function EffectField({ session, opened }: PreJoinProps) {
  const { detail: _, ...panel } = effectsPanel(session, actionsOf(session, opened).effects);
  const text = EFFECTS[effectOf(session).name].title;
  return (
    <div class="nbrtc-field">
      <span>Camera effect</span>
      <Popover panel={{ ...panel, text }} opened={opened} keys={["effects"]} />
    </div>
  );
}

export function PreJoin({ session, opened }: PreJoinProps) {
  const draft = useRoomDraft();
  const previewing = session.phase.value === "preview";
  // what was open here is not open in the call
  useLayoutEffect(
    () => () => {
      opened.value = "";
    },
    [opened],
  );
  // In a preview the devices are open, and a switch means them; before, it means what Start camera will open.
  const camera = (on: boolean) => previewing && void session.setCamera(on);
  const microphone = (on: boolean) => previewing && void session.setMicrophone(on);
  return (
    // A form, so that Enter in a field does what the button does; the button's click is the only way it goes.
    <form class="nbrtc-prejoin" aria-label="Before the call" onSubmit={(event) => event.preventDefault()}>
      <Intro session={session} draft={draft} />
      <div class="nbrtc-fields">
        <RoomFields session={session} draft={draft} />
        <div class="nbrtc-field">
          <Switch session={session} preference="useCamera" text="Use camera" onSwitch={camera} />
          <CameraSelect session={session} />
        </div>
        <EffectField session={session} opened={opened} />
        <div class="nbrtc-field">
          <Switch session={session} preference="useMicrophone" text="Use microphone" onSwitch={microphone} />
          <MicrophoneSelect session={session} />
        </div>
        <Level session={session} />
        <SoundSwitches session={session} />
      </div>
      <Shortcomings session={session} />
      <CheckField check={session.check} disabled={session.phase.value === "waiting-for-kernel"} />
      <Hint session={session} draft={draft} />
      <Buttons session={session} draft={draft} />
    </form>
  );
}
