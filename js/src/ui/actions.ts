/** What a person can switch during a call: the bar's buttons and the keyboard run the same actions. */
import type { Drawer, SessionView } from "../contract";
import type { IconName } from "./icons";
import { isInRoom, isLive, viewOf } from "./phases";
import type { Opened } from "./popover";
import { soundWords } from "./python-sound";

export interface Action {
  /** The accessible name; it stays while `pressed` changes, as ARIA asks of a toggle button. */
  readonly name: string;
  readonly shortcut: string;
  readonly tip: string;
  readonly icon: IconName;
  readonly pressed: boolean;
  /** Drawn so that nobody misses it: a device that is off, a recording that runs. */
  readonly striking: boolean;
  /** There is such a thing in this call at all. */
  readonly present: boolean;
  readonly available: boolean;
  /** A number at its corner; 0 for none. */
  readonly count: number;
  /** What the number counts, or what else is to be known of it, for a screen reader. */
  readonly countText: string;
  run(): void;
}

export interface CallActions {
  readonly microphone: Action;
  readonly camera: Action;
  readonly screen: Action;
  readonly effects: Action;
  readonly people: Action;
  readonly chat: Action;
  readonly record: Action;
  readonly statistics: Action;
}

const usual = { striking: false, present: true, available: true, count: 0, countText: "" };

function microphoneAction(session: SessionView): Action {
  const on = session.microphoneOn.value;
  return {
    ...usual,
    name: "Microphone",
    shortcut: "m",
    tip: on ? "Turn microphone off" : "Turn microphone on",
    countText: soundWords(session),
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
    ...usual,
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

function screenAction(session: SessionView): Action {
  const on = session.screenOn.value;
  return {
    ...usual,
    name: "Share screen",
    shortcut: "e",
    tip: on ? "Stop sharing the screen" : "Share screen",
    icon: on ? "screenOff" : "screen",
    pressed: on,
    striking: on,
    // Phones cannot share at all: a button that never works would only take room.
    present: on || (isInRoom(session) && session.canShareScreen),
    available: isLive(session.phase.value),
    run: () => (on ? session.stopSharing() : void session.startSharing()),
  };
}

/** Opens the panel, also before the call: nobody has to show themselves first. */
function effectsAction(session: SessionView, opened: Opened): Action {
  const phase = session.phase.value;
  const view = viewOf(session);
  const isCardReady = view === "card" && (phase === "ready" || phase === "preview" || phase === "failed");
  return {
    ...usual,
    name: "Effects",
    shortcut: "f",
    tip: "Effects",
    icon: "effects",
    pressed: false, // whether one is on or not, its button opens the panel
    available: session.state.value !== null && (view === "call" || isCardReady),
    run: () => {
      opened.value = opened.value === "effects" ? "" : "effects";
    },
  };
}

function drawerAction(session: SessionView, drawer: Drawer, name: string, icon: IconName): Action {
  const open = session.drawer.value === drawer;
  return {
    ...usual,
    name,
    shortcut: name.charAt(0).toLowerCase(),
    tip: open ? `Hide ${name.toLowerCase()}` : `Show ${name.toLowerCase()}`,
    icon,
    pressed: open,
    available: viewOf(session) === "call",
    run: () => {
      session.drawer.value = open ? null : drawer;
    },
  };
}

function peopleAction(session: SessionView): Action {
  const count = session.people.value.length + 1;
  return {
    ...drawerAction(session, "people", "People", "people"),
    present: isInRoom(session),
    count,
    countText: count === 1 ? "only you" : `${count} in the room`,
  };
}

function chatAction(session: SessionView): Action {
  const unread = session.unread.value;
  return {
    ...drawerAction(session, "chat", "Chat", "chat"),
    present: session.state.value?.room?.settings.chat === true,
    count: unread,
    countText: unread === 0 ? "" : `${unread} unread`,
  };
}

/** Without a recording it opens the panel that asks what to record. */
function recordAction(session: SessionView, opened: Opened): Action {
  const phase = session.phase.value;
  const state = session.state.value;
  const recording = state?.recording?.state === "recording";
  const allowed = state?.room?.settings.recording !== false;
  return {
    ...usual,
    name: "Record",
    shortcut: "r",
    tip: recording ? "Stop recording" : allowed ? "Record" : "This room allows no recording",
    icon: recording ? "stop" : "record",
    pressed: recording,
    striking: recording,
    available: (recording || allowed) && (phase === "connected" || phase === "reconnecting"),
    run: () => {
      if (recording) session.stopRecording();
      else opened.value = opened.value === "record" ? "" : "record";
    },
  };
}

/** `opened`: of the view that acts. */
export const actionsOf = (session: SessionView, opened: Opened): CallActions => ({
  microphone: microphoneAction(session),
  camera: cameraAction(session),
  screen: screenAction(session),
  effects: effectsAction(session, opened),
  people: peopleAction(session),
  chat: chatAction(session),
  record: recordAction(session, opened),
  statistics: drawerAction(session, "statistics", "Statistics", "statistics"),
});
