/**
 * Who is in a recording: whoever's page has shown its red badge, from then on and while they are in the room. Pure: the
 * room's participants in, people out; the clock is the caller's.
 */
import type { Participant, RecordedPerson } from "../../messages";

/** `CONSENT_S` of messages/nouns.py. */
export const CONSENT_MS = 2_000;
/** As the recorder is called in its own recording. */
export const ME = "you";

interface Asked {
  readonly name: string;
  readonly asked_ms: number;
  acknowledged: boolean;
  isHere: boolean;
}

export class Consent {
  readonly #recording: string;
  readonly #tracks: "all" | "local";
  readonly #people = new Map<string, Asked>();

  constructor(recording: string, tracks: "all" | "local") {
    this.#recording = recording;
    this.#tracks = tracks;
  }

  /** The room as it is now. `isShown`: the badge stands in a view of this page. */
  update(participants: readonly Participant[], isShown: boolean, now_ms: number): void {
    const present = new Set<string>();
    for (const { id, isYou, name, status } of participants) {
      if (!isYou && this.#tracks === "local") continue;
      const key = isYou ? ME : id;
      present.add(key);
      const asked = this.#people.get(key) ?? { name, asked_ms: now_ms, acknowledged: false, isHere: true };
      asked.isHere = true;
      // whoever was told stays told: a window that is covered later takes nobody out
      asked.acknowledged ||= isYou ? isShown : status.acknowledges.includes(this.#recording);
      this.#people.set(key, asked);
    }
    for (const [key, asked] of this.#people) if (!present.has(key)) asked.isHere = false;
  }

  /** They are here, and asked or in already. */
  asks(id: string): boolean {
    return this.#people.get(id)?.isHere === true;
  }

  /** Nothing of somebody may be written before this is true of their id. */
  has(id: string): boolean {
    const asked = this.#people.get(id);
    return asked?.isHere === true && asked.acknowledged;
  }

  /** In the order in which they were asked, those who left too. */
  people(now_ms: number): readonly RecordedPerson[] {
    return [...this.#people].map(([id, asked]) => ({ id, name: asked.name, state: stateOf(asked, now_ms) }));
  }
}

function stateOf({ acknowledged, isHere, asked_ms }: Asked, now_ms: number): RecordedPerson["state"] {
  if (!isHere) return "gone";
  if (acknowledged) return "recorded";
  return now_ms - asked_ms < CONSENT_MS ? "asked" : "left-out";
}
