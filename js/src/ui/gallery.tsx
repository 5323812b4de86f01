/** The pictures of a room: all alike, or one of them large with the others in a strip. */
import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { type Area, grid, speaker } from "./grid";
import { Icon } from "./icons";
import { PersonTile } from "./person-tile";
import { type Seat, seatsOf } from "./seats";
import { useSize } from "./size";

export type Layout = "grid" | "speaker";

interface GalleryProps {
  readonly session: SessionView;
  readonly layout: Signal<Layout>;
  readonly audible: boolean;
}

const GAP = 6;

/** Until the stage was laid out; never seen by anybody. */
const UNKNOWN: Area = { width: 640, height: 360 };

/** Whose tile is large, or -1 for nobody's: a pin first, then a screen of somebody else, then whoever speaks. */
export function largeOf(
  seats: readonly Seat[],
  pinned: string | null,
  layout: Layout,
  speaking: string | null,
): number {
  if (seats.length === 1) return seats[0]?.sharesScreen ? 0 : -1;
  const indexOf = (found: (seat: Seat) => boolean) => seats.findIndex(found);
  const pin = indexOf(({ id }) => id === pinned);
  if (pin >= 0) return pin;
  const screen = seats.findLastIndex(({ isYou, sharesScreen }) => sharesScreen && !isYou);
  if (screen >= 0 || layout === "grid") return screen;
  // One's own picture says nothing new to oneself.
  const other = indexOf(({ id, isYou }) => id === speaking && !isYou);
  return other >= 0 ? other : indexOf(({ isYou }) => !isYou);
}

/** Whoever spoke last among the others: while one speaks oneself, nothing moves. */
function useOtherSpeaker(session: SessionView, seats: readonly Seat[]): string | null {
  const last = useRef<string | null>(null);
  const speaking = session.speaker.value;
  if (seats.some(({ id, isYou }) => id === speaking && !isYou)) last.current = speaking;
  return last.current;
}

export function LayoutSwitch({ session, layout }: Omit<GalleryProps, "audible">) {
  if (session.people.value.length === 0) return null;
  const next: Layout = layout.value === "grid" ? "speaker" : "grid";
  const name = next === "grid" ? "Grid" : "Speaker";
  const tip = next === "grid" ? "Show all alike" : "Show who speaks large";
  return (
    <button
      type="button"
      class="nbrtc-layout-switch"
      title={tip}
      onClick={() => {
        session.pinned.value = null;
        layout.value = next;
      }}
    >
      <Icon name={next} size={16} />
      <span class="nbrtc-layout-switch-text">{name}</span>
    </button>
  );
}

export function Gallery({ session, layout, audible }: GalleryProps) {
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place).value ?? UNKNOWN;
  const seats = seatsOf(session);
  const other = useOtherSpeaker(session, seats);
  const large = largeOf(seats, session.pinned.value, layout.value, other);
  const boxes = large < 0 ? grid(seats.length, size, GAP) : speaker(seats.length, large, size, GAP);
  return (
    <div ref={place} class="nbrtc-gallery">
      {seats.map((seat, index) => {
        const box = boxes[index];
        return (
          box && (
            <PersonTile
              key={seat.isYou ? "you" : seat.id}
              session={session}
              seat={seat}
              box={box}
              isLarge={index === large}
              isSpeaking={seats.length > 1 && session.speaker.value === seat.id && !seat.muted}
              audible={audible}
              canPin={seats.length > 1}
            />
          )
        );
      })}
    </div>
  );
}
