/** What the page sees and hears of everybody, read from its session for the recorder. */
import type { SessionView } from "../../contract";
import { ME } from "./consent";
import type { Scene, Source } from "./source";

type Seen = Pick<
  SessionView,
  "state" | "people" | "speaker" | "localStream" | "screenStream" | "screenOn" | "cameraOn"
>;

export function sceneOf(session: Seen): Scene {
  const me = session.state.value?.participants.find(({ isYou }) => isYou);
  const speaking = session.speaker.value;
  const others = session.people.value.map(({ participant, stream }): Source => {
    const { id, name, status } = participant;
    const hasPicture = !status.videoOff || status.screenSharing;
    return {
      id,
      name,
      video: hasPicture ? (stream?.getVideoTracks()[0] ?? null) : null,
      audio: stream?.getAudioTracks() ?? [],
      isScreen: status.screenSharing,
    };
  });
  return {
    sources: [own(session, me?.name ?? ""), ...others],
    speaking: speaking !== null && speaking === me?.id ? ME : speaking,
  };
}

/** As the others see it: not mirrored, and the screen in the camera's place. */
function own(session: Seen, name: string): Source {
  const [devices, screen] = [session.localStream.value, session.screenStream.value];
  const isScreen = session.screenOn.value && screen !== null;
  const camera = session.cameraOn.value ? (devices?.getVideoTracks()[0] ?? null) : null;
  return {
    id: ME,
    name,
    video: isScreen ? (screen.getVideoTracks()[0] ?? null) : camera,
    audio: [...(devices?.getAudioTracks() ?? []), ...(isScreen ? screen.getAudioTracks() : [])],
    isScreen,
  };
}
