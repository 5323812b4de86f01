/**
 * Who is in a recording: whoever's page has shown its red badge, from then on and while they are in the room. Pure: the
 * room's participants in, people out; the clock is the caller's.
 */
import type { Participant, RecordedPerson, StartRecording } from "../../messages";

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
  readonly #tracks: StartRecording["tracks"];
  readonly #people = new Map<string, Asked>();

  constructor(recording: string, tracks: StartRecording["tracks"]) {
    this.#recording = recording;
    this.#tracks = tracks;
  }

  /** The room as it is now. `isShown`: the badge stands in a view of this page. */
  update(participants: readonly Participant[], isShown: boolean, now_ms: number): void {
    const present = new Set<string>();
    for (const { id, isYou, name, status } of participants) {
      const key = isYou ? ME : id;
      if (!this.#concerns(key, name)) continue;
      present.add(key);
      const asked = this.#people.get(key) ?? { name, asked_ms: now_ms, acknowledged: false, isHere: true };
      asked.isHere = true;
      // whoever was told stays told: a window that is covered later takes nobody out
      asked.acknowledged ||= isYou ? isShown : status.acknowledges.includes(this.#recording);
      this.#people.set(key, asked);
    }
    for (const [key, asked] of this.#people) if (!present.has(key)) asked.isHere = false;
  }

  /** As `concerns` of engine/scope.py. */
  #concerns(key: string, name: string): boolean {
    if (this.#tracks === "all") return true;
    if (this.#tracks === "local") return key === ME;
    return this.#tracks.includes(key) || this.#tracks.includes(name);
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

  /** When somebody was asked, by the caller's clock; 0 for whoever never was. */
  asked_ms(id: string): number {
    return this.#people.get(id)?.asked_ms ?? 0;
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
