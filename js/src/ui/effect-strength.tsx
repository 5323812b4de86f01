/** How strong the chosen effect is, where it can be more or less. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { EFFECTS, type Effect } from "../messages";

/** A dragged slider moves far oftener than a message to Python is worth. */
const PACE_MS = 100;
const STEP = 0.05;

/** "50 %", and with a sign where less than nothing means something. */
export function strengthText(strength: number, low: number): string {
  const percent = Math.round(Math.abs(strength) * 100);
  if (low >= 0 || percent === 0) return `${percent} %`;
  return `${strength > 0 ? "+" : "\u2212"}${percent} %`;
}

interface StrengthProps {
  readonly session: SessionView;
  readonly effect: Effect;
}

export function EffectStrength({ session, effect: { name, strength } }: StrengthProps) {
  const { low, high, usual } = EFFECTS[name];
  const id = useId();
  /** Where the slider is held; what comes down from Python meanwhile is older. */
  const held = useSignal<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const value = held.value ?? strength ?? usual;

  const choose = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    if (held.value !== null) session.effects.choose({ name, strength: held.value });
  };
  const text = strengthText(value, low);
  return (
    <div class="nbrtc-effect-strength">
      <label for={id}>Strength</label>
      <input
        id={id}
        type="range"
        class="nbrtc-range"
        min={low}
        max={high}
        step={STEP}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => {
          held.value = currentTarget.valueAsNumber;
          timer.current ??= setTimeout(choose, PACE_MS);
        }}
        onChange={({ currentTarget }) => {
          held.value = currentTarget.valueAsNumber;
          choose();
          held.value = null;
        }}
      />
      <span class="nbrtc-effect-value" aria-hidden="true">
        {text}
      </span>
    </div>
  );
}
