/** Where the call stands, in one sentence for a person. */
import type { PagePhase } from "./contract";
import type { RoomInfo } from "./messages";

/** What Python is told when the person clicks "Leave call". */
export const LEFT = "The person left.";

/** Python is to change the sound and is out of reach: as with a picture, the microphone does not take its place. */
export const SOUND_WITHHELD =
  "Python changes your sound and does not answer: the others hear nothing of you until it is back.";

export interface Circumstances {
  readonly phase: PagePhase;
  readonly hasPython: boolean;
  /** The kernel was restarted or has ended, rather than being silent. */
  readonly kernelGone: boolean;
  /** The browser still asks the person, or the devices still open. */
  readonly openingDevices: boolean;
  /** The engine's reason for the state that it is in. */
  readonly stateReason: string;
  /** What this page knows: why it reconnects, or why it failed. */
  readonly pageReason: string;
  /** Null in a solo call. */
  readonly room: RoomInfo | null;
  /** How many others are in the room. */
  readonly others: number;
}

export function statusOf(now: Circumstances): string {
  switch (now.phase) {
    case "waiting-for-kernel":
      return now.hasPython ? "Waiting for the kernel…" : "Waiting for the room's server…";
    case "no-kernel":
      return withoutKernel(now);
    case "ready":
      return now.pageReason || (now.stateReason === LEFT ? "You left the call." : now.stateReason);
    case "preview":
      return "Only you see this.";
    case "starting":
      return starting(now);
    case "connected":
      return now.room === null ? "Connected" : inRoom(now.room, now.others);
    case "reconnecting":
      return `Reconnecting… ${now.pageReason}`;
    case "failed":
      return now.pageReason;
    case "elsewhere":
      return "This call is open in another window.";
    case "closed":
      return now.stateReason || "The call was closed.";
  }
}

function withoutKernel({ hasPython, kernelGone }: Circumstances): string {
  if (!hasPython) return "The room's server does not answer. Reload this page to try again.";
  return kernelGone
    ? "The kernel was restarted or has ended. Run this cell again to use the call."
    : "No kernel answers. Run this cell again to use the call.";
}

function starting({ openingDevices, hasPython, room }: Circumstances): string {
  if (openingDevices) return "Asking for camera and microphone…";
  if (hasPython) return "Connecting to Python…";
  return room?.reason || `Joining ${room?.name ?? "the room"}…`;
}

function inRoom(room: RoomInfo, others: number): string {
  switch (room.phase) {
    case "outside":
    case "joining":
      return `Joining ${room.name}…`;
    case "reconnecting":
      return (
        room.reason || `The server of ${room.name} is out of reach; trying again. Pictures and sound go on.`
      );
    case "refused":
      return room.reason;
    case "joined":
      return others === 0 ? "Waiting for others: send them the invite link." : `In ${room.name}`;
  }
}
