/** The chat: what was written, and a place to write. */
import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import type { ChatMessage } from "../messages";
import { Message } from "./chat-message";
import { DrawerFrame } from "./drawer";
import { Icon } from "./icons";
import { bytesOf } from "./text-parts";

interface ChatProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
  /** What was begun and not sent: it survives the drawer. */
  readonly draft: Signal<string>;
}

/** The room's limit for one message. */
const MOST_BYTES = 4096;
const NEAR_BYTES = 3500;

/** So close to its end a list counts as read to the end. */
const NEAR_END_PX = 40;

const isAtEnd = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean =>
  scrollHeight - scrollTop - clientHeight < NEAR_END_PX;

function recipientOf(session: SessionView, { to }: ChatMessage): string {
  if (to === null) return "";
  const participant = session.state.value?.participants.find(({ id }) => id === to);
  return participant === undefined ? "one person" : participant.isYou ? "you" : participant.name;
}

function Messages({ session }: { readonly session: SessionView }) {
  const list = useRef<HTMLOListElement>(null);
  const reading = useSignal(false);
  const messages = session.chat.value;
  const me = session.state.value?.room?.me ?? "";
  const newest = messages.at(-1);
  const toEnd = () => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };

  // A reader who scrolled up stays there, unless the new message is one's own.
  useLayoutEffect(() => {
    if (!reading.peek() || newest?.sender === me) toEnd();
  }, [newest?.id]);

  if (newest === undefined) return <p class="nbrtc-chat-empty">Nothing was written yet.</p>;
  return (
    <div class="nbrtc-chat-place">
      <ol
        ref={list}
        class="nbrtc-messages"
        aria-live="polite"
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is scrolled by the keyboard, too
        tabIndex={0}
        onScroll={({ currentTarget }) => {
          reading.value = !isAtEnd(currentTarget);
        }}
      >
        {messages.map((message) => (
          <Message
            key={message.id}
            message={message}
            isOwn={message.sender === me}
            to={recipientOf(session, message)}
          />
        ))}
      </ol>
      {reading.value && (
        <button type="button" class="nbrtc-button nbrtc-chat-end" onClick={toEnd}>
          <Icon name="down" size={16} />
          Newest
        </button>
      )}
    </div>
  );
}

function limitText(bytes: number): string {
  if (bytes > MOST_BYTES) return `Too long by ${bytes - MOST_BYTES} bytes: shorten it or send it in parts.`;
  return bytes > NEAR_BYTES ? `${MOST_BYTES - bytes} bytes left.` : "";
}

function Writer({ session, draft }: Omit<ChatProps, "root">) {
  const sending = useSignal(false);
  const failure = useSignal("");
  const text = draft.value;
  const bytes = bytesOf(text);
  const inRoom = session.state.value?.room?.phase === "joined";
  const canSend = text.trim() !== "" && bytes <= MOST_BYTES && !sending.value;

  const send = async () => {
    if (!canSend) return;
    sending.value = true;
    failure.value = "";
    try {
      await session.sendChat(text);
      draft.value = "";
    } catch (error) {
      failure.value = `Not sent: ${error instanceof Error ? error.message : String(error)}`;
    } finally {
      sending.value = false;
    }
  };
  const words = failure.value || limitText(bytes) || (inRoom ? "" : "Waiting for the room…");

  return (
    <form
      class="nbrtc-writer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p
        class={`nbrtc-writer-words ${failure.value !== "" || bytes > MOST_BYTES ? "nbrtc-writer-words--wrong" : ""}`}
        role="status"
      >
        {words}
      </p>
      <textarea
        class="nbrtc-writer-text"
        aria-label="Message"
        placeholder="Message to everybody"
        title="Enter sends, Shift+Enter begins a new line"
        data-nbrtc-first
        rows={2}
        dir="auto"
        value={text}
        readOnly={sending.value}
        onInput={({ currentTarget }) => {
          draft.value = currentTarget.value;
          failure.value = "";
        }}
        onKeyDown={(event) => {
          // An input method's Enter takes a candidate, and sends nothing.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <button
        type="submit"
        class="nbrtc-button nbrtc-button--icon nbrtc-writer-send"
        aria-label="Send"
        title="Send (Enter)"
        disabled={!canSend}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}

export function ChatDrawer({ session, root, draft }: ChatProps) {
  return (
    <DrawerFrame session={session} root={root} name="Chat">
      <Messages session={session} />
      <Writer session={session} draft={draft} />
    </DrawerFrame>
  );
}
