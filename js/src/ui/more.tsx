/** The More menu: what found no place in a narrow bar. A panel opens in its place, and Escape closes both. */
import type { Action } from "./actions";
import { Icon } from "./icons";
import { moveFocus } from "./menu";
import { type Opened, type Panel, Popover } from "./popover";

export type Entry =
  | { readonly key: string; readonly action: Action }
  | { readonly key: string; readonly panel: Panel };

function ActionItem({ action, close }: { readonly action: Action; readonly close: () => void }) {
  const { name, icon, pressed, available, shortcut, countText, run } = action;
  return (
    <button
      type="button"
      class="nbrtc-menu-item"
      role="menuitemcheckbox"
      aria-checked={pressed}
      tabIndex={-1}
      disabled={!available}
      onClick={() => {
        close();
        run();
      }}
    >
      <Icon name={icon} size={16} />
      <span>{name}</span>
      <span class="nbrtc-menu-detail">{pressed ? "on" : countText || shortcut}</span>
    </button>
  );
}

interface PanelItemProps {
  readonly panel: Panel;
  readonly open: () => void;
}

function PanelItem({ panel: { kind, icon, tip, text, action, isOn, detail }, open }: PanelItemProps) {
  return (
    <button
      type="button"
      class="nbrtc-menu-item"
      role="menuitem"
      aria-haspopup={kind}
      tabIndex={-1}
      disabled={action?.available === false}
      {...(action === undefined ? {} : { title: action.tip })}
      onClick={open}
    >
      <Icon name={icon} size={16} />
      <span>{tip}</span>
      <span class="nbrtc-menu-detail">{text ?? (isOn ? detail : action?.shortcut)}</span>
    </button>
  );
}

interface MoreProps {
  readonly entries: readonly Entry[];
  /** "more" shows the menu, the key of a panel that panel. */
  readonly opened: Opened;
}

export function More({ entries, opened }: MoreProps) {
  const entry = entries.find(({ key }) => key === opened.value);
  const panel = entry !== undefined && "panel" in entry ? entry.panel : null;
  return (
    <Popover
      opened={opened}
      keys={["more", ...entries.map(({ key }) => key)]}
      content={panel === null ? "" : opened.value}
      panel={{
        kind: panel?.kind ?? "menu",
        name: "More",
        tip: "More",
        icon: "more",
        body: (close) =>
          panel?.body(close) ?? (
            <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
              {entries.map((each) => {
                const action = "action" in each ? each.action : each.panel.action;
                return "action" in each || action?.pressed ? (
                  action && <ActionItem key={each.key} action={action} close={close} />
                ) : (
                  <PanelItem
                    key={each.key}
                    panel={each.panel}
                    open={() => {
                      opened.value = each.key;
                    }}
                  />
                );
              })}
            </div>
          ),
      }}
    />
  );
}
