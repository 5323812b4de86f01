/** The More menu: what found no place in a narrow bar. A panel opens in its place, and Escape closes both. */
import { useSignal } from "@preact/signals";
import type { Action } from "./actions";
import { Icon } from "./icons";
import { moveFocus } from "./menu";
import { type Panel, Popover } from "./popover";

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

export function More({ entries }: { readonly entries: readonly Entry[] }) {
  const chosen = useSignal("");
  const entry = entries.find(({ key }) => key === chosen.value);
  const panel = entry !== undefined && "panel" in entry ? entry.panel : null;
  return (
    <Popover
      content={panel === null ? "" : chosen.value}
      onClose={() => {
        chosen.value = "";
      }}
      panel={{
        kind: panel?.kind ?? "menu",
        name: "More",
        tip: "More",
        icon: "more",
        body: (close) =>
          panel?.body(close) ?? (
            <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
              {entries.map((each) =>
                "action" in each ? (
                  <ActionItem key={each.key} action={each.action} close={close} />
                ) : (
                  <button
                    key={each.key}
                    type="button"
                    class="nbrtc-menu-item"
                    role="menuitem"
                    aria-haspopup={each.panel.kind}
                    tabIndex={-1}
                    onClick={() => {
                      chosen.value = each.key;
                    }}
                  >
                    <Icon name={each.panel.icon} size={16} />
                    <span>{each.panel.tip}</span>
                    <span class="nbrtc-menu-detail">{each.panel.text}</span>
                  </button>
                ),
              )}
            </div>
          ),
      }}
    />
  );
}
