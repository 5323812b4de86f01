/** A picture of this person's own to sit in front of: from a file, or dropped onto the panel. */
import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { Icon } from "./icons";

export interface Backdrop {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly isReading: ReadonlySignal<boolean>;
  /** Why the last one was none; empty where it was. */
  readonly refusal: Signal<string>;
  /** Opens the browser's file dialog: from a click only. */
  ask(): void;
  take(picture: Blob | undefined): Promise<void>;
}

export function useBackdrop(session: SessionView): Backdrop {
  const input = useRef<HTMLInputElement>(null);
  const isReading = useSignal(false);
  const refusal = useSignal("");
  const take = async (picture: Blob | undefined) => {
    if (picture === undefined || isReading.value) return;
    refusal.value = "";
    isReading.value = true;
    try {
      await session.effects.chooseBackground(picture);
    } catch (error) {
      refusal.value = error instanceof Error ? error.message : String(error);
    } finally {
      isReading.value = false;
    }
  };
  const ask = () => {
    if (!isReading.value) input.current?.click();
  };
  return { input, isReading, refusal, ask, take };
}

interface BackdropChoiceProps {
  readonly backdrop: Backdrop;
  /** One is in use: another can be chosen. The first one is asked for where the effect is. */
  readonly isUsed: boolean;
}

export function BackdropChoice({ backdrop, isUsed }: BackdropChoiceProps) {
  const { input, isReading, refusal, ask, take } = backdrop;
  return (
    <div class="nbrtc-backdrop">
      {isUsed && (
        // never disabled: the focus would fall out of the panel
        <button type="button" class="nbrtc-button" aria-disabled={isReading.value} onClick={ask}>
          <Icon name="effectBackground" size={16} />
          Choose another picture…
        </button>
      )}
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label="Background picture"
        onChange={({ currentTarget }) => {
          const picture = currentTarget.files?.[0];
          currentTarget.value = ""; // the same file can be chosen again
          void take(picture);
        }}
      />
      {refusal.value !== "" && (
        <p class="nbrtc-effect-refusal" role="alert">
          {refusal}
        </p>
      )}
    </div>
  );
}
