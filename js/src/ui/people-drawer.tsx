/** Everybody in the room, with how they stand and whose Python receives whom. */
import type { SessionView } from "../contract";
import type { RecordedPerson } from "../messages";
import { DrawerFrame } from "./drawer";
import { Icon } from "./icons";
import { Mark } from "./person-tile";
import { initialsOf, type Seat, seatsOf } from "./seats";

interface PeopleProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
}

const inRecording: Record<RecordedPerson["state"], string> = {
  asked: "Your recording waits until the red badge is seen there",
  recorded: "In your recording",
  "left-out": "Left out of your recording: the red badge is not seen there",
  gone: "",
};

/** How somebody stands in one's own recording; empty without one, and for whom it does not ask. */
function recordedLine(session: SessionView, seat: Seat): string {
  const recording = session.state.value?.recording;
  if (recording?.state !== "recording") return "";
  const person = recording.people.find(({ id }) => id === seat.id || (seat.isYou && id === "you"));
  return person === undefined ? "" : inRecording[person.state];
}

/** What is known of a person besides the name, most urgent first. */
function linesOf(session: SessionView, seat: Seat): readonly string[] {
  return [
    seat.trouble,
    seat.isPython ? "Python, without a browser" : "",
    seat.recording ? (seat.isYou ? "You record this call" : "Records this call") : "",
    recordedLine(session, seat),
    seat.sharesScreen ? (seat.isYou ? "You share your screen" : "Shares the screen") : "",
    seat.receivedBy,
    seat.sound,
  ].filter((line) => line !== "");
}

function Row({ session, seat }: { readonly session: SessionView; readonly seat: Seat }) {
  const pinned = session.pinned.value === seat.id;
  const alone = session.people.value.length === 0;
  const initials = initialsOf(seat.fullName);
  return (
    <li class="nbrtc-person" data-nbrtc-participant={seat.id}>
      <span class="nbrtc-person-avatar" aria-hidden="true">
        {seat.isPython || initials === "" ? (
          <Icon name={seat.isPython ? "python" : "person"} size={16} />
        ) : (
          initials
        )}
      </span>
      <div class="nbrtc-person-words">
        <span class="nbrtc-person-name">
          <bdi>{seat.fullName || seat.name}</bdi>
          {seat.isYou && seat.fullName !== "" && <span class="nbrtc-person-you"> (you)</span>}
          {seat.isCreator && <Mark icon="creator" text="made this room" />}
          {session.speaker.value === seat.id && !seat.muted && <Mark icon="speaking" text="speaks" />}
        </span>
        {linesOf(session, seat).map((line) => (
          <span
            key={line}
            class={`nbrtc-person-line ${line === seat.trouble && seat.connection === "failed" ? "nbrtc-person-line--failed" : ""}`}
          >
            {line}
          </span>
        ))}
      </div>
      <span class="nbrtc-person-marks">
        {seat.muted && <Mark icon="microphoneOff" text="microphone off" />}
        {seat.videoOff && <Mark icon="cameraOff" text="camera off" />}
        {seat.connection === "failed" && (
          <button
            type="button"
            class="nbrtc-button nbrtc-button--bare"
            aria-label={`Try again with ${seat.name}`}
            title="Try again"
            onClick={() => session.reconnect(seat.id)}
          >
            <Icon name="again" size={16} />
          </button>
        )}
        {!alone && (
          <button
            type="button"
            class="nbrtc-button nbrtc-button--bare"
            aria-label={`Pin ${seat.isYou ? "yourself" : seat.name}`}
            aria-pressed={pinned}
            title={pinned ? "Show all alike again" : "Show large"}
            onClick={() => {
              session.pinned.value = pinned ? null : seat.id;
            }}
          >
            <Icon name={pinned ? "unpin" : "pin"} size={16} />
          </button>
        )}
      </span>
    </li>
  );
}

export function PeopleDrawer({ session, root }: PeopleProps) {
  const seats = seatsOf(session);
  const capacity = session.state.value?.room?.capacity ?? 0;
  return (
    <DrawerFrame session={session} root={root} name="People">
      <div class="nbrtc-drawer-body">
        <p class="nbrtc-drawer-note">
          {capacity > 0 ? `${seats.length} of ${capacity}` : `${seats.length}`} in the room{" "}
          <bdi>{session.state.value?.room?.name}</bdi>
        </p>
        <ul class="nbrtc-people">
          {seats.map((seat) => (
            <Row key={seat.id} session={session} seat={seat} />
          ))}
        </ul>
      </div>
    </DrawerFrame>
  );
}
