/** Which camera, which microphone, and what the browser does to the sound. */
import type { DeviceItem, Preferences, SessionView } from "../contract";
import { Icon, type IconName } from "./icons";

type Switchable = {
  [Name in keyof Preferences]: Preferences[Name] extends boolean ? Name : never;
}[keyof Preferences];

interface SwitchProps {
  readonly session: SessionView;
  readonly preference: Switchable;
  readonly text: string;
  /** What follows besides remembering it. */
  readonly onSwitch?: (on: boolean) => void;
}

export function Switch({ session, preference, text, onSwitch }: SwitchProps) {
  const on = session.preferences.value[preference];
  return (
    <label class="nbrtc-switch">
      <input
        type="checkbox"
        role="switch"
        class="nbrtc-switch-input"
        checked={on}
        aria-checked={on}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          session.setPreferences({ [preference]: checked });
          onSwitch?.(checked);
        }}
      />
      <span>{text}</span>
    </label>
  );
}

interface DeviceSelectProps {
  readonly name: string;
  readonly icon: IconName;
  readonly devices: readonly DeviceItem[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

function DeviceSelect({ name, icon, devices, chosen, onChoose }: DeviceSelectProps) {
  // Before permission browsers list devices without labels, and ids that say nothing: there is nothing to choose yet.
  const known = devices.filter(({ id, label }) => id !== "" && label !== "");
  return (
    <div class="nbrtc-device">
      <Icon name={icon} />
      <select
        class="nbrtc-select"
        aria-label={name}
        value={known.some(({ id }) => id === chosen) ? chosen : ""}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        <option value="">Default {name.toLowerCase()}</option>
        {known.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** While a device may be open the session changes it at once; before, the choice is only remembered. */
const isOpen = (session: SessionView): boolean => session.localStream.value !== null;

export function CameraSelect({ session }: { readonly session: SessionView }) {
  return (
    <DeviceSelect
      name="Camera"
      icon="camera"
      devices={session.devices.value.cameras}
      chosen={session.preferences.value.cameraId}
      onChoose={(cameraId) =>
        isOpen(session) ? void session.chooseCamera(cameraId) : session.setPreferences({ cameraId })
      }
    />
  );
}

export function MicrophoneSelect({ session }: { readonly session: SessionView }) {
  return (
    <DeviceSelect
      name="Microphone"
      icon="microphone"
      devices={session.devices.value.microphones}
      chosen={session.preferences.value.microphoneId}
      onChoose={(microphoneId) =>
        isOpen(session)
          ? void session.chooseMicrophone(microphoneId)
          : session.setPreferences({ microphoneId })
      }
    />
  );
}

export function SoundSwitches({ session }: { readonly session: SessionView }) {
  return (
    <fieldset class="nbrtc-switches">
      <legend class="nbrtc-unseen">Sound</legend>
      <Switch session={session} preference="echoCancellation" text="Echo cancellation" />
      <Switch session={session} preference="noiseSuppression" text="Noise suppression" />
      <Switch session={session} preference="autoGainControl" text="Automatic gain" />
    </fieldset>
  );
}
