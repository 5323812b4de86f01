/** The bar below the stage. */
import type { ComponentChildren } from "preact";
import type { SessionView } from "../contract";
import { type Action, actionsOf } from "./actions";
import { CameraSelect, MicrophoneSelect, SoundSwitches } from "./devices";
import { Icon } from "./icons";
import { Level } from "./level";
import { Popover } from "./popover";
import { QualityMenu } from "./quality-menu";

interface ToggleProps {
  readonly action: Action;
  readonly children?: ComponentChildren;
}

function Toggle({ action, children }: ToggleProps) {
  return (
    <button
      type="button"
      class={`nbrtc-button nbrtc-button--icon ${action.striking ? "nbrtc-button--striking" : ""}`}
      aria-label={action.name}
      aria-pressed={action.pressed}
      aria-keyshortcuts={action.shortcut}
      data-nbrtc-tip={`${action.tip} (${action.shortcut})`}
      disabled={!action.available}
      onClick={() => action.run()}
    >
      <Icon name={action.icon} />
      {children}
    </button>
  );
}

export function Controls({ session }: { readonly session: SessionView }) {
  const { microphone, camera, record, statistics } = actionsOf(session);
  return (
    <section class="nbrtc-bar" aria-label="Call controls">
      <div class="nbrtc-bar-group">
        <Toggle action={microphone}>
          <Level session={session} upright />
        </Toggle>
        <Toggle action={camera} />
        <Popover kind="dialog" name="Devices" tip="Devices" icon="devices">
          {() => (
            <div class="nbrtc-fields">
              <CameraSelect session={session} />
              <MicrophoneSelect session={session} />
              <SoundSwitches session={session} />
            </div>
          )}
        </Popover>
        <QualityMenu session={session} />
      </div>
      <div class="nbrtc-bar-group">
        <Toggle action={record} />
        <Toggle action={statistics} />
      </div>
      <div class="nbrtc-bar-group">
        <button
          type="button"
          class="nbrtc-button nbrtc-button--icon nbrtc-button--danger"
          aria-label="Leave call"
          data-nbrtc-tip="Leave call"
          onClick={() => session.leave()}
        >
          <Icon name="leave" />
        </button>
      </div>
    </section>
  );
}
