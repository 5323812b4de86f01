/** What was written in the room: each message once, oldest first, and how many the person has not seen. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ChatMessage } from "./messages";

/** Beyond this the oldest go. */
export const KEPT_MESSAGES = 500;

export class ChatLog {
  readonly messages: Signal<readonly ChatMessage[]> = signal([]);
  readonly unread: ReadonlySignal<number>;
  readonly #unseen: Signal<ReadonlySet<string>> = signal(new Set());
  #reading = false;

  constructor() {
    this.unread = computed(() => this.messages.value.filter(({ id }) => this.#unseen.value.has(id)).length);
  }

  /** `isNews` says which of them count as unread: others' messages, not those from before one joined. */
  add(messages: readonly ChatMessage[], isNews: (message: ChatMessage) => boolean): void {
    const known = new Set(this.messages.value.map(({ id }) => id));
    const fresh = messages.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return;
    const all = [...this.messages.value, ...fresh].sort((one, other) => one.timeS - other.timeS);
    const news = this.#reading ? [] : fresh.filter(isNews).map(({ id }) => id);
    this.messages.value = all.slice(-KEPT_MESSAGES);
    this.#unseen.value = new Set([...this.#unseen.value, ...news]);
  }

  /** Whether the person looks at the chat now. */
  read(isReading: boolean): void {
    this.#reading = isReading;
    if (isReading) this.#unseen.value = new Set();
  }

  /** Another room. */
  clear(): void {
    this.messages.value = [];
    this.#unseen.value = new Set();
  }
}
