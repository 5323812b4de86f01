/** What Python sends back to be heard: played here where this person is to hear it, and said in words. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { isInRoom } from "./phases";

/**
 * Whether this person is to hear it. In a room an audio effect's sound is their own voice, changed, and late: the others
 * hear it. With neither an effect nor a played sound it is silence.
 */
export function isHeardHere(session: SessionView): boolean {
  const state = session.state.value;
  if (state === null) return false;
  return isInRoom(session)
    ? state.playing && state.audioEffect === null
    : state.playing || state.audioEffect !== null;
}

/** What Python does to this person's sound; empty where it does nothing. */
export function soundWords(session: SessionView): string {
  const { audioEffect = null, playing = false } = session.state.value ?? {};
  const effect = audioEffect === null ? "" : `Python changes your sound: ${audioEffect}`;
  if (!playing) return effect;
  const played = isHeardHere(session) ? "Python plays a sound" : "Python plays a sound to the others";
  return effect === "" ? played : `${effect}. ${played}`;
}

interface PythonSoundProps {
  readonly session: SessionView;
  /** Whether this view plays the sound. */
  readonly audible: boolean;
}

/** Always there, so that the beginning of a sound is not lost to an element that has yet to start. */
export function PythonSound({ session, audible }: PythonSoundProps) {
  const audio = useRef<HTMLAudioElement>(null);
  const stream = session.remoteStream.value;
  useLayoutEffect(() => {
    const element = audio.current;
    if (!element) return;
    element.srcObject = stream;
    return () => {
      element.srcObject = null;
    };
  }, [stream]);
  return <audio ref={audio} data-nbrtc="python-sound" autoplay muted={!audible || !isHeardHere(session)} />;
}
