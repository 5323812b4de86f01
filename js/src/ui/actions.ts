/** What a person can switch during a call: the bar's buttons and the keyboard run the same actions. */
import type { SessionView } from "../contract";
import type { IconName } from "./icons";
import { isLive, viewOf } from "./phases";

export interface Action {
  /** The accessible name; it stays while `pressed` changes, as ARIA asks of a toggle button. */
  readonly name: string;
  readonly shortcut: string;
  readonly tip: string;
  readonly icon: IconName;
  readonly pressed: boolean;
  /** Drawn so that nobody misses it: a device that is off, a recording that runs. */
  readonly striking: boolean;
  readonly available: boolean;
  run(): void;
}

export interface CallActions {
  readonly microphone: Action;
  readonly camera: Action;
  readonly record: Action;
  readonly statistics: Action;
}

function microphoneAction(session: SessionView): Action {
  const on = session.microphoneOn.value;
  return {
    name: "Microphone",
    shortcut: "m",
    tip: on ? "Turn microphone off" : "Turn microphone on",
    icon: on ? "microphone" : "microphoneOff",
    pressed: on,
    striking: !on,
    available: isLive(session.phase.value),
    run: () => void session.setMicrophone(!on),
  };
}

function cameraAction(session: SessionView): Action {
  const on = session.cameraOn.value;
  return {
    name: "Camera",
    shortcut: "v",
    tip: on ? "Turn camera off" : "Turn camera on",
    icon: on ? "camera" : "cameraOff",
    pressed: on,
    striking: !on,
    available: isLive(session.phase.value),
    run: () => void session.setCamera(!on),
  };
}

function recordAction(session: SessionView): Action {
  const phase = session.phase.value;
  const recording = session.state.value?.recording?.state === "recording";
  return {
    name: "Record",
    shortcut: "r",
    tip: recording ? "Stop recording" : "Record",
    icon: recording ? "stop" : "record",
    pressed: recording,
    striking: recording,
    available: phase === "connected" || phase === "reconnecting",
    run: () => session.toggleRecording(),
  };
}

function statisticsAction(session: SessionView): Action {
  const open = session.statisticsOpen.value;
  return {
    name: "Statistics",
    shortcut: "s",
    tip: open ? "Hide statistics" : "Show statistics",
    icon: "statistics",
    pressed: open,
    striking: false,
    available: viewOf(session.phase.value) === "call",
    run: () => {
      session.statisticsOpen.value = !open;
    },
  };
}

export const actionsOf = (session: SessionView): CallActions => ({
  microphone: microphoneAction(session),
  camera: cameraAction(session),
  record: recordAction(session),
  statistics: statisticsAction(session),
});
