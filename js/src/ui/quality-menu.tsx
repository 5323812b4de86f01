/** The qualities that the engine offers, as a menu with the present one checked. */
import type { SessionView } from "../contract";
import type { Quality } from "../messages";
import { qualityText, sizeText } from "./format";
import { Icon } from "./icons";
import { Popover } from "./popover";

const isSame = (one: Quality, other: Quality): boolean =>
  one.name === other.name &&
  one.width === other.width &&
  one.height === other.height &&
  one.fps === other.fps;

/** Up, Down, Home and End move through a menu (ARIA Authoring Practices, menu pattern). */
function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=menuitemradio]")];
  const at = items.findIndex((item) => item.matches(":focus"));
  const goals: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: items.length - 1,
  };
  const goal = goals[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  items.at(goal % items.length)?.focus();
}

export function QualityMenu({ session }: { readonly session: SessionView }) {
  const qualities = session.qualities.value;
  const current = session.state.value?.quality ?? null;
  const text = current === null ? "Quality" : qualityText(current);
  return (
    <Popover
      kind="menu"
      name={current === null ? "Quality" : `Quality: ${text}`}
      tip="Quality"
      icon="quality"
      text={text}
    >
      {(close) => (
        <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
          {qualities.map((quality) => {
            const checked = current !== null && isSame(quality, current);
            return (
              <button
                key={`${quality.name} ${sizeText(quality)}`}
                type="button"
                class="nbrtc-menu-item"
                role="menuitemradio"
                aria-checked={checked}
                tabIndex={-1}
                onClick={() => {
                  close();
                  session.setQuality(quality);
                }}
              >
                <span class="nbrtc-menu-mark">{checked && <Icon name="check" size={16} />}</span>
                <span>{qualityText(quality)}</span>
                {quality.name !== null && <span class="nbrtc-menu-detail">{sizeText(quality)}</span>}
              </button>
            );
          })}
        </div>
      )}
    </Popover>
  );
}
