/** Which room, as whom, with which passcode: the part of the card that says so, and what it will tell the session. */
import { type Signal, useSignal } from "@preact/signals";
import type { SessionView } from "../contract";

/** What was typed and not said to the session yet; null where nothing was. */
export interface RoomDraft {
  readonly room: Signal<string | null>;
  readonly name: Signal<string | null>;
  readonly passcode: Signal<string>;
  /** Why the session would not have it; empty where it was not asked. */
  readonly refusal: Signal<string>;
  readonly saying: Signal<boolean>;
}

export function useRoomDraft(): RoomDraft {
  return {
    room: useSignal<string | null>(null),
    name: useSignal<string | null>(null),
    passcode: useSignal(""),
    refusal: useSignal(""),
    saying: useSignal(false),
  };
}

const knownRoom = (session: SessionView): string => session.state.value?.room?.id ?? "";

/** What Python calls the person of a solo call who gave no name; to others it would say nothing. */
const NAMELESS = "You";

function knownName(session: SessionView): string {
  const name = session.state.value?.participants.find(({ isYou }) => isYou)?.name ?? "";
  return knownRoom(session) === "" && name === NAMELESS ? "" : name;
}

export const roomOf = (session: SessionView, draft: RoomDraft): string =>
  (draft.room.value ?? knownRoom(session)).trim();

const nameOf = (session: SessionView, draft: RoomDraft): string =>
  (draft.name.value ?? knownName(session)).trim();

/** Whether the session knows all of it already: then a click starts at once. */
export const isSaid = (session: SessionView, draft: RoomDraft): boolean =>
  roomOf(session, draft) === knownRoom(session) &&
  (nameOf(session, draft) === knownName(session) || roomOf(session, draft) === "") &&
  draft.passcode.value === "";

/** Tell the session; false where it refuses, and the draft says why. */
export async function say(session: SessionView, draft: RoomDraft): Promise<boolean> {
  const room = roomOf(session, draft);
  draft.refusal.value = "";
  draft.saying.value = true;
  try {
    await session.enterRoom(room || null, nameOf(session, draft), draft.passcode.value || null);
    draft.room.value = null;
    draft.name.value = null;
    draft.passcode.value = "";
    return true;
  } catch (error) {
    draft.refusal.value = error instanceof Error ? error.message : String(error);
    return false;
  } finally {
    draft.saying.value = false;
  }
}

interface TextFieldProps {
  readonly name: string;
  readonly value: string;
  readonly placeholder: string;
  readonly maxLength: number;
  readonly isSecret?: boolean;
  readonly autoComplete: "off" | "nickname";
  readonly onInput: (value: string) => void;
}

function TextField({
  name,
  value,
  placeholder,
  maxLength,
  isSecret = false,
  autoComplete,
  onInput,
}: TextFieldProps) {
  return (
    <label class="nbrtc-field">
      <span>{name}</span>
      <input
        class="nbrtc-input"
        {...(isSecret ? { type: "password" as const } : { type: "text" as const })}
        value={value}
        placeholder={placeholder}
        maxLength={maxLength}
        autocomplete={autoComplete}
        spellcheck={false}
        dir="auto"
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}

interface RoomFieldsProps {
  readonly session: SessionView;
  readonly draft: RoomDraft;
}

/** A room that this person named may have a passcode; one that asked for it certainly has. */
function mayHavePasscode(session: SessionView, draft: RoomDraft): boolean {
  const named = roomOf(session, draft);
  return (
    session.state.value?.room?.code === "wrong-passcode" || (named !== "" && named !== knownRoom(session))
  );
}

export function RoomFields({ session, draft }: RoomFieldsProps) {
  const room = roomOf(session, draft);
  const asked = session.state.value?.room?.code === "wrong-passcode";
  return (
    <>
      {(session.hasPython || knownRoom(session) === "") && (
        <TextField
          name="Room"
          value={draft.room.value ?? knownRoom(session)}
          placeholder={session.hasPython ? "none: Python only" : "a name"}
          maxLength={64}
          autoComplete="off"
          onInput={(value) => {
            draft.room.value = value;
            draft.refusal.value = "";
          }}
        />
      )}
      {room !== "" && (
        <TextField
          name="Your name"
          value={draft.name.value ?? knownName(session)}
          placeholder={session.hasPython ? "none: your login name" : "what others call you"}
          maxLength={64}
          autoComplete="nickname"
          onInput={(value) => {
            draft.name.value = value;
          }}
        />
      )}
      {mayHavePasscode(session, draft) && (
        <TextField
          name="Passcode"
          isSecret
          value={draft.passcode.value}
          placeholder={asked ? "" : "if the room has one"}
          maxLength={128}
          autoComplete="off"
          onInput={(value) => {
            draft.passcode.value = value;
          }}
        />
      )}
    </>
  );
}
