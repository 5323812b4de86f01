/** One message of the chat: text and nothing but text, with its web addresses as links. */
import type { ChatMessage } from "../messages";
import { timeText } from "./format";
import { partsOf } from "./text-parts";

interface MessageProps {
  readonly message: ChatMessage;
  readonly isOwn: boolean;
  /** To whom, where not everybody got it; empty otherwise. */
  readonly to: string;
}

export function Message({ message, isOwn, to }: MessageProps) {
  return (
    <li class={`nbrtc-message ${isOwn ? "nbrtc-message--own" : ""}`} data-nbrtc-message={message.id}>
      <span class="nbrtc-message-head">
        <bdi class="nbrtc-message-sender">{isOwn ? "You" : message.senderName}</bdi>
        {to !== "" && <bdi>to {to}</bdi>}
        <time dateTime={new Date(message.timeS * 1000).toISOString()}>{timeText(message.timeS)}</time>
      </span>
      <span class="nbrtc-message-text" dir="auto">
        {partsOf(message.text).map(({ text, href }, index) =>
          href === null ? (
            text
          ) : (
            <a key={index} href={href} target="_blank" rel="noopener noreferrer">
              {text}
            </a>
          ),
        )}
      </span>
    </li>
  );
}
