/** Who can be recorded: what this page sees and hears of everybody in the call, at this moment. */

export interface Source {
  /** Participant id; `ME` for oneself. */
  readonly id: string;
  readonly name: string;
  /** Null where there is no picture, and none is expected: camera off, or nothing came yet. */
  readonly video: MediaStreamTrack | null;
  readonly audio: readonly MediaStreamTrack[];
  readonly isScreen: boolean;
}

export interface Scene {
  /** In the order in which views show them. */
  readonly sources: readonly Source[];
  /** Who speaks or spoke last; null while nobody has. */
  readonly speaking: string | null;
}
