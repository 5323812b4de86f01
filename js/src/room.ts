/** The room of a call as this page lives in it: the mesh, who speaks, the chat, who came and went. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ChatLog } from "./chat-log";
import type { Person } from "./contract";
import { Mesh, type MeshOptions } from "./mesh";
import type { CallState, ChatMessage, Participant, RoomInfo } from "./messages";
import type { Notices } from "./notices";
import { Speaker } from "./speaker";
import type { Tap } from "./tap";

/** So long a note about somebody who came or went is shown. */
export const NOTE_MS = 5_000;

export interface RoomOptions extends Omit<MeshOptions, "codec" | "onReceiver" | "onGone"> {
  /** Null on a page without Python. */
  readonly tap: () => Tap | null;
  readonly notices: Notices;
}

export class Room {
  readonly mesh: Mesh;
  readonly chat = new ChatLog();
  readonly pinned: Signal<string | null> = signal(null);
  readonly #options: RoomOptions;
  readonly #speaking: Signal<string | null> = signal(null);
  readonly #speaker = new Speaker((id) => {
    this.#speaking.value = id;
  });
  readonly #notes = new Map<string, ReturnType<typeof setTimeout>>();
  #state: CallState | null = null;
  #me: Participant | null = null;
  #microphone: MediaStreamTrack | null = null;
  /** Own id and track that the speaker mark listens to now. */
  #listening = "";
  /** Those whom one has seen since joining, and their names; null while outside. */
  #seen: Map<string, string> | null = null;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.mesh = new Mesh({
      ...options,
      codec: () => this.#state?.codec ?? "auto",
      onReceiver: (id, receiver, kind) => {
        options.tap()?.watch(id, receiver, kind);
        if (kind === "audio") this.#speaker.watch(id, receiver);
      },
      onGone: (id) => this.#forget(id),
    });
    this.mesh.people.subscribe((people) => this.#announce(people));
  }

  get speaker(): ReadonlySignal<string | null> {
    return this.#speaking;
  }

  /** Whether one has been inside since the last `stop`. */
  get wasJoined(): boolean {
    return this.#seen !== null;
  }

  /** The engine's state, while this page is in the call. `isReachable`: what is said now gets to the room. */
  mirror(state: CallState, isReachable: boolean): void {
    const codec = this.#state?.codec;
    this.#state = state;
    const isInside = state.room?.phase === "joined" && state.room.me !== "";
    if (isInside) {
      this.#me = state.participants.find(({ isYou }) => isYou) ?? null;
      this.mesh.update(state.participants);
      this.#seen ??= new Map(
        this.mesh.people.value.map(({ participant }) => [participant.id, participant.name]),
      );
      this.#listen();
    }
    this.mesh.reach(isInside && isReachable);
    this.#options.tap()?.setWanted(state.wanted);
    if (codec !== undefined && codec !== state.codec) this.mesh.codecChanged();
  }

  /** One's own voice counts, too, when it comes to who speaks. */
  hear(microphone: MediaStreamTrack | null): void {
    this.#microphone = microphone;
    this.#listen();
  }

  /** Own messages and those from before one joined are no news. */
  read(messages: readonly ChatMessage[]): void {
    const me = this.#me;
    this.chat.add(messages, ({ sender, timeS }) => me !== null && sender !== me.id && timeS >= me.joinedAtS);
  }

  /** Another room, or none: what was written in the old one goes. */
  moved(from: RoomInfo | null, to: RoomInfo | null): void {
    if (from !== null && from.id !== to?.id) this.chat.clear();
  }

  /** Leave: idempotent, and another `mirror` begins anew. */
  stop(): void {
    this.#seen = this.#me = this.#state = null;
    this.mesh.stop();
    this.#speaker.close();
    this.#speaking.value = this.pinned.value = null;
    this.#listening = "";
    this.#options.tap()?.close();
    for (const [key, timer] of this.#notes) {
      clearTimeout(timer);
      this.#options.notices.dismiss(key);
    }
    this.#notes.clear();
  }

  #listen(): void {
    const me = this.#me?.id ?? "";
    const heard = me === "" || this.#microphone === null ? "" : `${me} ${this.#microphone.id}`;
    if (heard === this.#listening) return;
    this.#listening = heard;
    if (heard === "" || this.#microphone === null) {
      if (me !== "") this.#speaker.forget(me);
    } else this.#speaker.watch(me, this.#microphone);
  }

  #forget(id: string): void {
    this.#options.tap()?.forget(id);
    this.#speaker.forget(id);
    if (this.pinned.value === id) this.pinned.value = null;
  }

  #announce(people: readonly Person[]): void {
    const seen = this.#seen;
    if (seen === null) return;
    for (const { participant } of people) {
      if (!seen.has(participant.id)) this.#note(participant.id, `${participant.name} joined.`);
      seen.set(participant.id, participant.name);
    }
    for (const [id, name] of seen) {
      if (people.some(({ participant }) => participant.id === id)) continue;
      seen.delete(id);
      this.#note(id, `${name} left.`);
    }
  }

  #note(id: string, text: string): void {
    const key = `person:${id}`;
    clearTimeout(this.#notes.get(key));
    this.#options.notices.tell(key, "info", text);
    const timer = setTimeout(() => {
      this.#notes.delete(key);
      this.#options.notices.dismiss(key);
    }, NOTE_MS);
    this.#notes.set(key, timer);
  }
}
