/** A button and the panel it opens above the bar; Escape, a click elsewhere and leaving by Tab close it. */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Action } from "./actions";
import { holdsFocus } from "./focus";
import { Icon, type IconName } from "./icons";

/** What a button opens: in the bar by a button of its own, in a narrow one from the More menu. */
export interface Panel {
  readonly kind: "dialog" | "menu";
  /** Accessible name of the button and of the panel. */
  readonly name: string;
  readonly tip: string;
  readonly icon: IconName;
  /** Short text beside the icon where there is room. */
  readonly text?: string;
  readonly body: (close: () => void) => ComponentChildren;
  /** Its button is this action's: pressed, it ends at once what the panel began. */
  readonly action?: Action;
  /** What was chosen in it is in use: its button is drawn pressed, and opens it all the same. */
  readonly isOn?: boolean;
  /** What was chosen, for whoever does not see it. */
  readonly detail?: string;
}

/** Which panel of a bar is open, by key; empty for none. Two are never open at once. */
export type Opened = Signal<string>;

interface PopoverProps {
  readonly panel: Panel;
  /** Where others open and close it, too: the bar's signal, and the panel's keys in it, the button's own first. */
  readonly opened?: Opened;
  readonly keys?: readonly string[];
  /** What the panel shows now, where that changes while it is open: the focus follows. */
  readonly content?: string;
}

/** Where the focus goes when the panel opens: what it was opened for, the chosen item, else the first control. */
const firstStop = (panel: HTMLElement): HTMLElement | null =>
  panel.querySelector<HTMLElement>("[data-nbrtc-first]") ??
  panel.querySelector<HTMLElement>('[role=menuitemradio][aria-checked="true"]') ??
  panel.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled), select, input, button");

const OWN_KEY = ["open"];

export function Popover({ panel: shown, content, ...rest }: PopoverProps) {
  const { kind, name, tip, icon, text, body, action, isOn, detail } = shown;
  const own = useSignal("");
  const { opened = own, keys = OWN_KEY } = rest;
  const isRunning = action?.pressed === true;
  const open = keys.includes(opened.value);
  const latest = useRef(keys);
  latest.current = keys; // More's change with the width of the bar
  const holder = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const shut = () => {
    // another panel may have taken its place already
    if (latest.current.includes(opened.peek())) opened.value = "";
  };
  const close = () => {
    if (panel.current && holdsFocus(panel.current)) button.current?.focus();
    shut();
  };

  // Before the paint: the next key already belongs to the panel.
  useLayoutEffect(() => {
    if (!open || !holder.current) return;
    const ended = new AbortController();
    const { signal } = ended;
    const held = holder.current;
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // it is used up: the drawer stays
      close();
    };
    const onPress = (event: Event) => !event.composedPath().includes(held) && close();
    const onFocusLeaving = ({ relatedTarget: next }: FocusEvent) =>
      next instanceof Node && !held.contains(next) && shut();
    held.addEventListener("keydown", onEscape, { signal });
    held.addEventListener("focusout", onFocusLeaving, { signal });
    document.addEventListener("pointerdown", onPress, { capture: true, signal });
    return () => ended.abort();
  }, [open]);

  useLayoutEffect(() => {
    if (open && panel.current) firstStop(panel.current)?.focus();
  }, [open, content]);

  const toggle = () => {
    if (isRunning) action.run();
    else if (open) close();
    else opened.value = keys[0] ?? "";
  };
  const role = isRunning
    ? { "aria-pressed": true }
    : ({ "aria-haspopup": kind, "aria-expanded": open, "aria-controls": id } as const);
  return (
    <div ref={holder}>
      <button
        ref={button}
        type="button"
        class={`nbrtc-button nbrtc-button--icon nbrtc-button--menu ${action?.striking ? "nbrtc-button--striking" : ""}`}
        aria-label={text === undefined || name.includes(text) ? name : `${name}: ${text}`}
        {...role}
        {...(isOn === undefined ? {} : { "aria-pressed": isOn })}
        {...(detail === undefined ? {} : { "aria-description": detail })}
        {...(action === undefined ? {} : { "aria-keyshortcuts": action.shortcut })}
        data-nbrtc-tip={action === undefined ? tip : `${action.tip} (${action.shortcut})`}
        disabled={action?.available === false}
        onClick={toggle}
      >
        <Icon name={icon} />
        {text !== undefined && <span class="nbrtc-button-text">{text}</span>}
      </button>
      {open && (
        // biome-ignore lint/a11y/useAriaPropsSupportedByRole: a dialog and a menu both take a label
        <div ref={panel} id={id} class="nbrtc-popover" role={kind} aria-label={name}>
          {body(close)}
        </div>
      )}
    </div>
  );
}
