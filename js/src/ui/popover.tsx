/** A button and the panel it opens above the bar; Escape, a click elsewhere and leaving by Tab close it. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { holdsFocus } from "./focus";
import { Icon, type IconName } from "./icons";

interface PopoverProps {
  readonly kind: "dialog" | "menu";
  /** Accessible name of the button and of the panel. */
  readonly name: string;
  readonly tip: string;
  readonly icon: IconName;
  /** Short text beside the icon where there is room. */
  readonly text?: string;
  readonly children: (close: () => void) => ComponentChildren;
}

/** Where the focus goes when the panel opens: the chosen item, else the first control. */
const firstStop = (panel: HTMLElement): HTMLElement | null =>
  panel.querySelector<HTMLElement>('[role=menuitemradio][aria-checked="true"]') ??
  panel.querySelector<HTMLElement>("[role=menuitemradio], select, input, button");

export function Popover({ kind, name, tip, icon, text, children }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const close = () => {
    if (panel.current && holdsFocus(panel.current)) button.current?.focus();
    setOpen(false);
  };

  // Before the paint: the next key already belongs to the panel.
  useLayoutEffect(() => {
    if (!open || !holder.current || !panel.current) return;
    const ended = new AbortController();
    const { signal } = ended;
    const held = holder.current;
    firstStop(panel.current)?.focus();
    const onEscape = (event: KeyboardEvent) => event.key === "Escape" && close();
    const onPress = (event: Event) => !event.composedPath().includes(held) && close();
    const onFocusLeaving = ({ relatedTarget: next }: FocusEvent) =>
      next instanceof Node && !held.contains(next) && setOpen(false);
    held.addEventListener("keydown", onEscape, { signal });
    held.addEventListener("focusout", onFocusLeaving, { signal });
    document.addEventListener("pointerdown", onPress, { capture: true, signal });
    return () => ended.abort();
  }, [open]);

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
          {children(close)}
        </div>
      )}
    </div>
  );
}
