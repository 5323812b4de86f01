/** What helps when a room takes nobody in: a sentence for each code. */
import type { ErrorCode, RoomInfo } from "../messages";

const remedies: Partial<Record<ErrorCode, string>> = {
  "already-in-room": "Leave it there first, or wait half a minute and try again.",
  "not-allowed": "Ask whoever invited you for a new link.",
  "rate-limited": "Wait a minute, then try again.",
  "room-exists": "Choose another name for the room.",
  "room-full": "Try again when somebody has left, or meet in another room.",
  "room-not-found": "Ask whoever invited you for a new link, or for the room's exact name.",
  "server-error": "Try again; if it stays, tell whoever runs the server.",
  "server-full": "Try again later.",
  unreachable: "See that the server runs and that its address is right, then try again.",
  "wrong-passcode": "Enter the room's passcode, then try again.",
};

const reasons: Partial<Record<ErrorCode, string>> = {
  "room-full": "The room is full.",
  "room-not-found": "There is no such room.",
  unreachable: "The room's server cannot be reached.",
  "wrong-passcode": "This room has a passcode.",
};

/** Why the room refused, and what to do about it; empty where it did not. */
export function refusalText(room: RoomInfo | null): string {
  if (room?.phase !== "refused") return "";
  const code = room.code as ErrorCode;
  const reason = room.reason || reasons[code] || "The room cannot be joined.";
  const remedy = remedies[code] ?? "";
  // a server that already said what helps need not be repeated
  return remedy === "" || reason.includes(remedy) ? reason : `${reason} ${remedy}`;
}
