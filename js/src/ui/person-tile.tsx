/** One person of the room: a picture or initials, the name, and everything that is to be known at a glance. */
import type { SessionView } from "../contract";
import type { Box } from "./grid";
import { Icon, type IconName } from "./icons";
import { usePicture } from "./picture";
import { initialsOf, type Seat } from "./seats";

interface PersonTileProps {
  readonly session: SessionView;
  readonly seat: Seat;
  readonly box: Box;
  readonly isLarge: boolean;
  readonly isSpeaking: boolean;
  /** Whether this view plays the sound. */
  readonly audible: boolean;
  /** Others are there, so that showing one of them large means something. */
  readonly canPin: boolean;
}

interface MarkProps {
  readonly icon: IconName;
  readonly text: string;
}

/** A small picture that says something: its words are there for a pointer and for a screen reader. */
export function Mark({ icon, text }: MarkProps) {
  return (
    <span class="nbrtc-mark" title={text}>
      <Icon name={icon} size={14} />
      <span class="nbrtc-unseen">{text}</span>
    </span>
  );
}

function Marks({ seat, isSpeaking }: { readonly seat: Seat; readonly isSpeaking: boolean }) {
  return (
    <>
      {isSpeaking && <Mark icon="speaking" text="speaks" />}
      {seat.muted && <Mark icon="microphoneOff" text="microphone off" />}
      {seat.videoOff && <Mark icon="cameraOff" text="camera off" />}
      {seat.sound !== "" && <Mark icon="sound" text={seat.sound} />}
      {seat.recording && <Mark icon="record" text="records this call" />}
      {seat.receivedBy !== "" && <Mark icon="python" text={seat.receivedBy} />}
    </>
  );
}

function Avatar({ seat }: { readonly seat: Seat }) {
  const initials = initialsOf(seat.fullName);
  return (
    <span class="nbrtc-avatar" aria-hidden="true">
      {seat.isPython || initials === "" ? (
        <Icon name={seat.isPython ? "python" : "person"} size={26} />
      ) : (
        <span class="nbrtc-avatar-initials">{initials}</span>
      )}
    </span>
  );
}

/** What stands in the place of a picture; null while there is one. */
function absenceOf(seat: Seat, hasPicture: boolean): string | null {
  if (seat.connection === "failed") return seat.trouble;
  if (seat.videoOff) return seat.trouble;
  if (hasPicture) return null;
  if (seat.trouble !== "") return seat.trouble;
  return seat.pending;
}

function PinButton({ session, seat }: { readonly session: SessionView; readonly seat: Seat }) {
  const pinned = session.pinned.value === seat.id;
  const name = `Show ${seat.isYou ? "yourself" : seat.name} large`;
  return (
    <button
      type="button"
      class="nbrtc-button nbrtc-button--bare nbrtc-pin"
      aria-label={name}
      aria-pressed={pinned}
      title={pinned ? "Show all alike again" : name}
      onClick={() => {
        session.pinned.value = pinned ? null : seat.id;
      }}
    >
      <Icon name={pinned ? "unpin" : "pin"} size={16} />
    </button>
  );
}

/** Below these heights a tile says less, so that nothing covers anything. */
const SMALL_PX = 168;
const TINY_PX = 80;

function classOf({ seat, isLarge, isSpeaking, box }: PersonTileProps): string {
  const looks = [
    isLarge && "large",
    isSpeaking && "speaking",
    seat.mirrored && "mirrored",
    seat.sharesScreen && "screen",
    seat.connection === "reconnecting" && "disturbed",
    box.height < SMALL_PX && "small",
    box.height < TINY_PX && "tiny",
  ];
  return looks.reduce<string>((all, look) => (look ? `${all} nbrtc-seat--${look}` : all), "nbrtc-seat");
}

export function PersonTile(props: PersonTileProps) {
  const { session, seat, box, audible, canPin } = props;
  const { video, shape } = usePicture(seat.stream);
  const absence = absenceOf(seat, shape !== "none");
  const failed = seat.connection === "failed";
  const place = {
    left: `${box.left}px`,
    top: `${box.top}px`,
    width: `${box.width}px`,
    height: `${box.height}px`,
  };
  const whole = shape === "upright" || seat.isMade ? "nbrtc-video--whole" : "";
  return (
    <figure class={classOf(props)} style={place} data-nbrtc-participant={seat.id}>
      <video
        ref={video}
        class={`nbrtc-video ${whole}`}
        data-nbrtc={seat.isYou ? "own" : "peer"}
        aria-label={seat.isYou ? "Your picture" : `${seat.name}'s picture`}
        autoplay
        playsInline
        muted={seat.isYou || !audible}
      />
      {absence !== null && (
        <div class="nbrtc-absence">
          <Avatar seat={seat} />
          {absence !== "" && (
            <span class="nbrtc-absence-words" title={absence}>
              {absence}
            </span>
          )}
          {failed && (
            <button type="button" class="nbrtc-button" onClick={() => session.reconnect(seat.id)}>
              <Icon name="again" size={16} />
              Try again<span class="nbrtc-unseen"> with {seat.name}</span>
            </button>
          )}
        </div>
      )}
      {absence === null && seat.trouble !== "" && <span class="nbrtc-trouble">{seat.trouble}</span>}
      {canPin && <PinButton session={session} seat={seat} />}
      <figcaption
        class={`nbrtc-caption nbrtc-caption--marked ${seat.sound === "" ? "" : "nbrtc-caption--two"}`}
      >
        <Marks seat={seat} isSpeaking={props.isSpeaking} />
        <strong class="nbrtc-caption-name" dir="auto">
          {seat.name}
        </strong>
        {seat.line !== "" && (
          <span class={`nbrtc-caption-line ${seat.isMade ? "nbrtc-caption-line--made" : ""}`}>
            {seat.line}
          </span>
        )}
        {seat.sound !== "" && <span class="nbrtc-caption-line nbrtc-caption-line--sound">{seat.sound}</span>}
      </figcaption>
    </figure>
  );
}
