/** Everybody in the room as the views show them: oneself first, then the others in the order of joining. */
import type { Person, SessionView } from "../contract";
import type { Participant, PeerState } from "../messages";
import { listText } from "./format";
import { soundWords } from "./python-sound";

export interface Seat {
  readonly id: string;
  /** As others call them; "You" for oneself. */
  readonly name: string;
  /** The real name, one's own too. */
  readonly fullName: string;
  readonly isYou: boolean;
  readonly isPython: boolean;
  readonly isCreator: boolean;
  readonly stream: MediaStream | null;
  /** As in a mirror, for oneself alone: what is sent is not mirrored. */
  readonly mirrored: boolean;
  readonly sharesScreen: boolean;
  readonly muted: boolean;
  /** A picture that was made, not filmed: nothing of it is cut off. */
  readonly isMade: boolean;
  /** There is no picture, and none is expected. */
  readonly videoOff: boolean;
  readonly recording: boolean;
  readonly connection: PeerState;
  /** What is wrong with the connection, in words; empty where nothing is. */
  readonly trouble: string;
  /** Whose Python receives them, as a sentence; empty where nobody's does. */
  readonly receivedBy: string;
  /** What more is to be said of their picture; empty where it is what it seems. */
  readonly line: string;
  /** What Python does to one's own sound; empty where it does nothing. */
  readonly sound: string;
  /** What to say until the first picture is there. */
  readonly pending: string;
}

const ME = "you";

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "Ada's Python and your Python receive Bob's video." A Bot is a participant itself, and everybody sees it. */
function receivedBy(session: SessionView, id: string, whose: string): string {
  const state = session.state.value;
  if (state === null) return "";
  const isMine = id === state.room?.me;
  const owners = state.participants.flatMap((participant) => {
    const receives = participant.status.receives.includes(id);
    if (participant.isYou) return receives || (isMine && state.wanted.includes(ME)) ? ["your Python"] : [];
    return receives && !participant.isPython ? [`${participant.name}'s Python`] : [];
  });
  if (owners.length === 0) return "";
  return `${capitalised(listText(owners))} ${owners.length === 1 ? "receives" : "receive"} ${whose} video`;
}

function troubleOf({ connection, reason, participant }: Person): string {
  switch (connection) {
    case "new":
    case "connecting":
      return "Connecting…";
    case "reconnecting":
      return "Reconnecting…";
    case "failed":
      return reason === "" ? "Failed" : `Failed: ${reason}`;
    case "connected":
      return participant.isConnected ? "" : "Reconnecting to the room…";
  }
}

/** As in a mirror, unless the effect makes it one for everybody: mirrored twice it would be what nobody else sees. */
export const isMirrored = (session: SessionView): boolean => session.state.value?.effect.name !== "mirror";

/** Until one's own camera has a picture; with an effect that fails there may never be one. */
export function pendingOf(session: SessionView): string {
  const { state, text } = session.effects.status.value;
  return state === "failed" && session.cameraOn.value ? text : "Opening your camera…";
}

interface Shown {
  readonly stream: MediaStream | null;
  readonly line: string;
  readonly isSource: boolean;
}

/** What the others see in the camera's place, and what is said of it; null where it is the camera itself. */
function shownOf(session: SessionView): Shown | null {
  if (session.screenOn.value) {
    return { stream: session.screenStream.value, line: "sharing your screen", isSource: false };
  }
  // Python is out of reach, and the picture is not withheld: this person sends the camera's all the same.
  const isBare = session.phase.value === "reconnecting" && !session.isPictureWithheld.value;
  if (isBare && session.cameraOn.value) return null;
  const { videoSource: source = null, videoEffect: effect = null } = session.state.value ?? {};
  const returned = session.remoteStream.value;
  if (source !== null) return { stream: returned, line: `Python's picture: ${source}`, isSource: true };
  if (effect === null) return null;
  return { stream: returned ?? session.localStream.value, line: `changed by ${effect}`, isSource: false };
}

function ownSeat(session: SessionView, me: Participant | undefined): Seat {
  const state = session.state.value;
  const sharing = session.screenOn.value;
  const shown = shownOf(session);
  const isMade = shown?.isSource === true;
  const isChanged = shown !== null && !sharing && session.localStream.value !== null;
  const withheld = session.isPictureWithheld.value && !sharing;
  const opening =
    session.phase.value === "starting" &&
    session.localStream.value === null &&
    session.preferences.value.useCamera;
  return {
    id: me?.id ?? state?.room?.me ?? ME,
    name: "You",
    fullName: me?.name ?? "",
    isYou: true,
    isPython: false,
    isCreator: me?.isCreator ?? false,
    stream: shown === null ? session.localStream.value : shown.stream,
    mirrored: shown === null && isMirrored(session),
    sharesScreen: sharing,
    muted: !session.microphoneOn.value,
    isMade,
    videoOff: (!session.cameraOn.value && !sharing && !isMade && !opening) || withheld,
    recording: state?.recording?.state === "recording",
    connection: "connected",
    trouble: withheld ? "The others see no picture of you" : "",
    receivedBy: receivedBy(session, me?.id ?? ME, "your"),
    line: shown?.line ?? "",
    sound: soundWords(session),
    pending: isMade || isChanged ? "Waiting for Python's picture" : pendingOf(session),
  };
}

function seatOf(session: SessionView, person: Person): Seat {
  const { participant } = person;
  const { status } = participant;
  return {
    id: participant.id,
    name: participant.name,
    fullName: participant.name,
    isYou: false,
    isPython: participant.isPython,
    isCreator: participant.isCreator,
    stream: person.stream,
    mirrored: false,
    sharesScreen: status.screenSharing,
    muted: status.muted,
    isMade: participant.isPython,
    videoOff: status.videoOff && !status.screenSharing,
    recording: status.recording,
    connection: person.connection,
    trouble: troubleOf(person),
    receivedBy: receivedBy(session, participant.id, `${participant.name}'s`),
    line: status.screenSharing ? "shares the screen" : "",
    sound: "",
    pending: "Waiting for the picture…",
  };
}

export function seatsOf(session: SessionView): readonly Seat[] {
  const me = session.state.value?.participants.find(({ isYou }) => isYou);
  return [ownSeat(session, me), ...session.people.value.map((person) => seatOf(session, person))];
}

/** Who else records, also where this page is not in the room and its engine knows who is. */
export const recordersOf = (session: SessionView): readonly Participant[] =>
  (session.state.value?.participants ?? []).filter(({ isYou, status }) => !isYou && status.recording);

/** Up to two letters that stand for somebody without a picture. */
export function initialsOf(name: string): string {
  const letters = name
    .split(/\s+/u)
    .map((word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "")
    .filter((letter) => letter !== "");
  return [letters[0] ?? "", letters.length > 1 ? (letters.at(-1) ?? "") : ""].join("").toUpperCase();
}
