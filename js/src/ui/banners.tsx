/** Python may ask for a device; only a click here opens it. */
import type { SessionView } from "../contract";
import { Icon, type IconName } from "./icons";
import { isLive } from "./phases";

interface BannerProps {
  readonly icon: IconName;
  readonly text: string;
  readonly button: string;
  readonly onAccept: () => void;
}

function Banner({ icon, text, button, onAccept }: BannerProps) {
  return (
    <div class="nbrtc-notice">
      <Icon name={icon} class="nbrtc-notice-icon" />
      <p class="nbrtc-notice-text">{text}</p>
      <button type="button" class="nbrtc-button" onClick={onAccept}>
        {button}
      </button>
    </div>
  );
}

export function Banners({ session }: { readonly session: SessionView }) {
  const state = session.state.value;
  const live = isLive(session.phase.value);
  const camera = live && state?.cameraRequested === true && !session.cameraOn.value;
  const microphone = live && state?.microphoneRequested === true && !session.microphoneOn.value;
  return (
    <div class="nbrtc-notices" aria-live="polite">
      {camera && (
        <Banner
          icon="camera"
          text="Python asks for your camera."
          button="Turn on camera"
          onAccept={() => void session.setCamera(true)}
        />
      )}
      {microphone && (
        <Banner
          icon="microphone"
          text="Python asks for your microphone."
          button="Turn on microphone"
          onAccept={() => void session.setMicrophone(true)}
        />
      )}
    </div>
  );
}
