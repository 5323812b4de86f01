/** The invite link: to copy, or to be photographed by a phone. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { Icon } from "./icons";
import type { Panel } from "./popover";
import { MOST_QR_BYTES, QrCode } from "./qr";
import { bytesOf } from "./text-parts";

const COPIED_MS = 2500;

/** Loopback (RFC 6761, RFC 1122): nobody but this machine gets there. */
const isLocal = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d+){3}$/.test(host);

/** Who can use the link, in words. */
export function reachText(url: string): string {
  const { hostname, host, protocol } = new URL(url);
  if (isLocal(hostname)) {
    return "Whoever has this link can join from this computer. From others it does not open: for that, run nbrtc serve where they can reach it.";
  }
  const secure = protocol === "https:" ? "" : " Browsers open camera and microphone there only over https.";
  return `Whoever has this link can join, from every computer that reaches ${host}.${secure}`;
}

/** Pages without https have no clipboard interface; a selected field can still be copied. */
async function copy(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}

function Invite({ url }: { readonly url: string }) {
  const field = useRef<HTMLInputElement>(null);
  const outcome = useSignal<"" | "Copied" | "Press Ctrl+C">("");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const onCopy = async () => {
    if (!field.current) return;
    const copied = await copy(field.current);
    outcome.value = copied ? "Copied" : "Press Ctrl+C";
    clearTimeout(timer.current);
    if (copied) {
      timer.current = setTimeout(() => {
        outcome.value = "";
      }, COPIED_MS);
    }
  };
  const name = "QR code of the invite link";
  return (
    <div class="nbrtc-invite">
      <div class="nbrtc-invite-row">
        <input
          ref={field}
          class="nbrtc-input"
          aria-label="Invite link"
          readOnly
          value={url}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
        <button
          type="button"
          class="nbrtc-button nbrtc-button--primary"
          aria-label="Copy"
          onClick={() => void onCopy()}
        >
          <Icon name={outcome.value === "Copied" ? "check" : "copy"} size={16} />
          <span aria-hidden="true">{outcome.value || "Copy"}</span>
        </button>
      </div>
      <span class="nbrtc-unseen" role="status">
        {outcome.value}
      </span>
      <p class="nbrtc-invite-words">{reachText(url)}</p>
      {bytesOf(url) <= MOST_QR_BYTES && <QrCode text={url} name={name} />}
    </div>
  );
}

export function invitePanel(session: SessionView): Panel {
  const url = session.state.value?.room?.inviteUrl ?? "";
  return {
    kind: "dialog",
    name: "Invite",
    tip: "Invite others",
    icon: "invite",
    body: () =>
      URL.canParse(url) ? (
        <Invite url={url} />
      ) : (
        <p class="nbrtc-invite-words">There is no invite link until the room is joined.</p>
      ),
  };
}
