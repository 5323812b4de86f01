/** What the page does to the camera's picture: chosen here, before anybody else sees it. */
import { useSignal } from "@preact/signals";
import type { EffectStatus, SessionView } from "../contract";
import { EFFECTS, type Effect, type EffectName } from "../messages";
import type { Action } from "./actions";
import { BackdropChoice, useBackdrop } from "./effect-backdrop";
import { EffectStrength } from "./effect-strength";
import { EffectTiles } from "./effect-tiles";
import { fpsText, millisecondsText } from "./format";
import { Icon } from "./icons";
import { isInRoom } from "./phases";
import type { Panel } from "./popover";

const NONE: Effect = { name: "none", strength: null };

export const effectOf = (session: SessionView): Effect => session.state.value?.effect ?? NONE;

/** Who gets the changed picture, and when it is not the camera's at all. */
function reachOf(session: SessionView): string {
  const source = session.state.value?.videoSource ?? null;
  if (!session.cameraOn.value)
    return "Your camera is off: the effect is on its picture from the first one on.";
  if (source !== null) {
    const others = isInRoom(session) ? "The others see" : "What is shown is";
    return `${others} Python's picture (${source}) now, not your camera.`;
  }
  const who = !session.hasPython
    ? "The others get"
    : isInRoom(session)
      ? "The others and Python get"
      : "Python gets";
  return `${who} your camera like this. A shared screen stays as it is.`;
}

function figuresTip(finder: EffectStatus["finder"]): string {
  const figures = "Pictures with the effect, and the time that one takes";
  if (finder === undefined) return figures;
  const by = finder.processor === "GPU" ? "on the graphics processor" : "without the graphics processor";
  return `${figures}. You are told from the background ${by}: ${finder.why}.`;
}

/** What the chosen effect does just now: read out when it changes, the figures beside it are not. */
function EffectNow({ session }: { readonly session: SessionView }) {
  const { state, text, fps, frame_ms, finder } = session.effects.status.value;
  const words = state === "preparing" || state === "failed" ? text : "";
  const hasFigures = state === "running" && fps !== null && frame_ms !== null;
  return (
    <div class={`nbrtc-effect-now nbrtc-effect-now--${state}`}>
      {words !== "" && <Icon name={state === "failed" ? "error" : "wait"} size={16} />}
      <p class="nbrtc-effect-words" role="status">
        {words || reachOf(session)}
      </p>
      {hasFigures && (
        <span class="nbrtc-effect-figures" title={figuresTip(finder)}>
          {fpsText(fps)}, {millisecondsText(frame_ms)}
        </span>
      )}
    </div>
  );
}

interface EffectsProps {
  readonly session: SessionView;
  readonly close: () => void;
}

/** Python may have chosen an effect that this browser cannot do: then it sends no picture, until this is pressed. */
function Unavailable({ session, close }: EffectsProps) {
  const { name } = effectOf(session);
  return (
    <>
      <p class="nbrtc-effect-words">{session.effects.unavailable}</p>
      {name !== "none" && (
        <button
          type="button"
          class="nbrtc-button"
          onClick={() => {
            session.effects.choose(NONE);
            close();
          }}
        >
          Take off the effect “{EFFECTS[name].title}”
        </button>
      )}
    </>
  );
}

function Choices({ session }: { readonly session: SessionView }) {
  const backdrop = useBackdrop(session);
  const isAimedAt = useSignal(false);
  const effect = effectOf(session);
  const { low, high } = EFFECTS[effect.name];
  const choose = (name: EffectName) => {
    if (name === "background" && !session.effects.hasBackground.value) backdrop.ask();
    else if (name !== effect.name || session.effects.status.value.state === "failed") {
      session.effects.choose({ name, strength: name === effect.name ? effect.strength : null });
    }
  };
  // What is dropped beside a place for it, the browser would open instead of the notebook.
  const aim = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    isAimedAt.value = true;
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop a file; the button does the same by keyboard
    <div
      class={`nbrtc-effects ${isAimedAt.value ? "nbrtc-effects--aimed" : ""}`}
      onDragOver={aim}
      onDragLeave={() => {
        isAimedAt.value = false;
      }}
      onDrop={(event) => {
        aim(event);
        isAimedAt.value = false;
        void backdrop.take(event.dataTransfer?.files[0]);
      }}
    >
      <EffectTiles session={session} effect={effect} onChoose={choose} />
      <div class="nbrtc-effects-row">
        {low !== high && <EffectStrength key={effect.name} session={session} effect={effect} />}
        <BackdropChoice backdrop={backdrop} isUsed={effect.name === "background"} />
      </div>
      <EffectNow session={session} />
    </div>
  );
}

function Effects({ session, close }: EffectsProps) {
  return (
    <>
      <div class="nbrtc-effects-head">
        <strong>Effects on your camera</strong>
        <button
          type="button"
          class="nbrtc-button nbrtc-button--bare"
          aria-label="Close effects"
          onClick={close}
        >
          <Icon name="dismiss" size={16} />
        </button>
      </div>
      {session.effects.unavailable === "" ? (
        <Choices session={session} />
      ) : (
        <Unavailable session={session} close={close} />
      )}
    </>
  );
}

/** `action`: opens it by its key. */
export function effectsPanel(session: SessionView, action: Action): Panel {
  const { name } = effectOf(session);
  return {
    kind: "dialog",
    name: action.name,
    tip: action.name,
    icon: action.icon,
    action,
    isOn: name !== "none",
    detail: EFFECTS[name].title,
    body: (close) => <Effects session={session} close={close} />,
  };
}
