/** A button and the panel it opens above the bar; Escape, a click elsewhere and leaving by Tab close it. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
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
}

interface PopoverProps {
  readonly panel: Panel;
  /** What the panel shows now, where that changes while it is open: the focus follows. */
  readonly content?: string;
  readonly onClose?: () => void;
}

/** Where the focus goes when the panel opens: the chosen item, else the first control. */
const firstStop = (panel: HTMLElement): HTMLElement | null =>
  panel.querySelector<HTMLElement>('[role=menuitemradio][aria-checked="true"]') ??
  panel.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled), select, input, button");

export function Popover({ panel: { kind, name, tip, icon, text, body }, content, onClose }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const shut = () => {
    setOpen(false);
    onClose?.();
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

  return (
    <div ref={holder}>
      <button
        ref={button}
        type="button"
        class="nbrtc-button nbrtc-button--icon nbrtc-button--menu"
        aria-label={name}
        aria-haspopup={kind}
        aria-expanded={open}
        aria-controls={id}
        data-nbrtc-tip={tip}
        onClick={() => (open ? close() : setOpen(true))}
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
