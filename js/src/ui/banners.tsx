/** What wants an answer: Python may ask for a device, and only a click here opens it; a room may refuse. */
import type { SessionView } from "../contract";
import { Icon, type IconName } from "./icons";
import { isLive } from "./phases";
import { refusalText } from "./refusals";

interface BannerProps {
  readonly icon: IconName;
  readonly text: string;
  readonly button?: string;
  readonly onAccept?: () => void;
}

function Banner({ icon, text, button, onAccept }: BannerProps) {
  return (
    <div class="nbrtc-notice">
      <Icon name={icon} class="nbrtc-notice-icon" />
      <p class="nbrtc-notice-text">{text}</p>
      {button !== undefined && (
        <button type="button" class="nbrtc-button" onClick={onAccept}>
          {button}
        </button>
      )}
    </div>
  );
}

/** Python's wishes that are not fulfilled yet. */
function wishesOf(session: SessionView): readonly BannerProps[] {
  const state = session.state.value;
  const wishes: BannerProps[] = [];
  if (state?.cameraRequested && !session.cameraOn.value) {
    wishes.push({
      icon: "camera",
      text: "Python asks for your camera.",
      button: "Turn on camera",
      onAccept: () => void session.setCamera(true),
    });
  }
  if (state?.microphoneRequested && !session.microphoneOn.value) {
    wishes.push({
      icon: "microphone",
      text: "Python asks for your microphone.",
      button: "Turn on microphone",
      onAccept: () => void session.setMicrophone(true),
    });
  }
  if (state?.screenRequested && !session.screenOn.value) {
    wishes.push(
      session.canShareScreen
        ? {
            icon: "screen",
            text: "Python asks you to share your screen.",
            button: "Choose what to share",
            onAccept: () => void session.startSharing(),
          }
        : { icon: "screen", text: "Python asks for your screen, but this browser cannot share it." },
    );
  }
  return wishes;
}

/** Python makes or changes the picture and is out of reach; sending the camera's is this person's decision alone. */
function withheld(session: SessionView): BannerProps {
  const hasSource = (session.state.value?.videoSource ?? null) !== null;
  const does = hasSource ? "sends a picture in place of your camera" : "changes your picture";
  const told: BannerProps = {
    icon: "cameraOff",
    text: `Python ${does} and does not answer: the others see nothing of you until it is back.`,
  };
  if (!session.cameraOn.value) return told;
  const button = hasSource ? "Send my camera instead" : "Send my camera without the effect";
  return { ...told, button, onAccept: () => session.sendWithoutEffect() };
}

export function Banners({ session }: { readonly session: SessionView }) {
  const live = isLive(session.phase.value);
  const trouble = live ? refusalText(session.state.value?.room ?? null) : "";
  return (
    <div class="nbrtc-notices" aria-live="polite">
      {trouble !== "" && <Banner icon="warning" text={trouble} />}
      {live && session.isPictureWithheld.value && <Banner {...withheld(session)} />}
      {live && wishesOf(session).map((wish) => <Banner key={wish.icon} {...wish} />)}
    </div>
  );
}
