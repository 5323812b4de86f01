/** What was written while the chat is closed: its sender and its beginning, gone by itself. */
import { effect, type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { SessionView } from "../contract";
import type { ChatMessage } from "../messages";
import { Icon } from "./icons";

interface Toast {
  readonly key: string;
  readonly text: string;
  readonly sender: string;
}

const SHOWN_MS = 6000;

/** Newest wins: more than these would cover the pictures. */
const MOST_TOASTS = 3;

const BEGINNING = 90;

const beginningOf = (text: string): string => {
  const line = text.replace(/\s+/gu, " ").trim();
  return line.length > BEGINNING ? `${line.slice(0, BEGINNING).trimEnd()}…` : line;
};

/** Runs inside an effect: says which messages of others are new since the last run. */
function newMessages(session: SessionView, known: Set<string>): readonly ChatMessage[] {
  const me = session.state.peek()?.room?.me;
  const fresh = session.chat.value.filter(({ id }) => !known.has(id));
  known.clear(); // the chat is bounded, and so is what is remembered of it
  for (const { id } of session.chat.value) known.add(id);
  return session.drawer.peek() === "chat" ? [] : fresh.filter(({ sender }) => sender !== me);
}

/** Fills `toasts` until the view closes. What was there before it opened is no news. */
function useNews(session: SessionView, toasts: Signal<readonly Toast[]>): void {
  useLayoutEffect(() => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const show = (news: readonly Toast[]) => {
      if (news.length === 0) return;
      const keys = news.map(({ key }) => key);
      const older = toasts.peek().filter(({ key }) => !keys.includes(key));
      toasts.value = [...older, ...news].slice(-MOST_TOASTS);
      const timer = setTimeout(() => {
        timers.delete(timer);
        toasts.value = toasts.peek().filter((toast) => !news.includes(toast));
      }, SHOWN_MS);
      timers.add(timer);
    };

    const messages = new Set(session.chat.peek().map(({ id }) => id));
    const unlisten = effect(() => {
      const news = newMessages(session, messages);
      show(
        news.map(({ id, senderName, text }) => ({ key: id, sender: senderName, text: beginningOf(text) })),
      );
    });

    const close = effect(() => {
      if (session.drawer.value === "chat") toasts.value = [];
    });
    return () => {
      unlisten();
      close();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [session, toasts]);
}

export function Toasts({ session }: { readonly session: SessionView }) {
  const toasts = useSignal<readonly Toast[]>([]);
  useNews(session, toasts);
  return (
    <div class="nbrtc-notices nbrtc-toasts" aria-live="polite">
      {toasts.value.map(({ key, text, sender }) => (
        <button
          key={key}
          type="button"
          class="nbrtc-toast"
          title="Open the chat"
          onClick={() => {
            session.drawer.value = "chat";
          }}
        >
          <Icon name="chat" size={16} />
          <span class="nbrtc-toast-text">
            <strong>
              <bdi>{sender}</bdi>:
            </strong>{" "}
            <bdi>{text}</bdi>
          </span>
        </button>
      ))}
    </div>
  );
}
