/** The qualities that the engine offers, what is sent of them now, and in a room the codecs. */
import type { SessionView } from "../contract";
import type { Codec, Quality } from "../messages";
import { qualityText, sizeText } from "./format";
import { Icon } from "./icons";
import { moveFocus } from "./menu";
import { isInRoom } from "./phases";
import type { Panel } from "./popover";

const isSame = (one: Quality, other: Quality): boolean =>
  one.name === other.name &&
  (one.name === "auto" ||
    (one.width === other.width && one.height === other.height && one.fps === other.fps));

const codecNames: Record<Codec, string> = {
  auto: "Automatic",
  vp8: "VP8",
  vp9: "VP9",
  av1: "AV1",
  h264: "H.264",
};

interface ItemProps {
  readonly checked: boolean;
  readonly text: string;
  readonly detail: string;
  readonly onChoose: () => void;
}

function Item({ checked, text, detail, onChoose }: ItemProps) {
  return (
    <button
      type="button"
      class="nbrtc-menu-item"
      role="menuitemradio"
      aria-checked={checked}
      tabIndex={-1}
      onClick={onChoose}
    >
      <span class="nbrtc-menu-mark">{checked && <Icon name="check" size={16} />}</span>
      <span>{text}</span>
      {detail !== "" && <span class="nbrtc-menu-detail">{detail}</span>}
    </button>
  );
}

/** "Sent now: 640 × 360, 24 fps. The network is slow." */
function SentNow({ session }: { readonly session: SessionView }) {
  const sending = session.sending.value;
  if (sending === null) return null;
  return (
    <p class="nbrtc-menu-note">
      Sent now: {sizeText(sending)}
      {sending.limitedBy !== "" && <span class="nbrtc-menu-limit">{sending.limitedBy}</span>}
    </p>
  );
}

function detailOf(quality: Quality): string {
  if (quality.name === null) return "";
  return quality.name === "auto" ? `up to ${sizeText(quality)}` : sizeText(quality);
}

function Menu({ session, close }: { readonly session: SessionView; readonly close: () => void }) {
  const current = session.state.value?.quality ?? null;
  const codec = session.state.value?.codec ?? "auto";
  return (
    <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
      {session.qualities.value.map((quality) => (
        <Item
          key={`${quality.name} ${sizeText(quality)}`}
          checked={current !== null && isSame(quality, current)}
          text={qualityText(quality)}
          detail={detailOf(quality)}
          onChoose={() => {
            close();
            session.setQuality(quality);
          }}
        />
      ))}
      <SentNow session={session} />
      {isInRoom(session) && session.codecs.length > 1 && (
        // biome-ignore lint/a11y/useSemanticElements: a group of menu items is no fieldset
        <div class="nbrtc-menu-group" role="group" aria-label="Codec">
          <span class="nbrtc-menu-title" aria-hidden="true">
            Codec
          </span>
          {session.codecs.map((each) => (
            <Item
              key={each}
              checked={each === codec}
              text={codecNames[each]}
              detail={each === "auto" ? "what both sides do best" : ""}
              onChoose={() => {
                close();
                session.setCodec(each);
              }}
            />
          ))}
        </div>
      )}
    </div>
  );
}

export function qualityPanel(session: SessionView): Panel {
  const current = session.state.value?.quality ?? null;
  const text = current === null ? "Quality" : qualityText(current);
  return {
    kind: "menu",
    name: current === null ? "Quality" : `Quality: ${text}`,
    tip: "Quality",
    icon: "quality",
    text,
    body: (close) => <Menu session={session} close={close} />,
  };
}
