/** The effects to choose from, each with a small live picture of what it does. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { EFFECTS, type Effect, type EffectName } from "../messages";
import { Icon, type IconName } from "./icons";

const names = Object.keys(EFFECTS) as EffectName[];

const iconNames: Record<EffectName, IconName> = {
  none: "effectNone",
  blur: "effectBlur",
  background: "effectBackground",
  grayscale: "effectGrayscale",
  sepia: "effectSepia",
  invert: "effectInvert",
  brightness: "effectBrightness",
  contrast: "effectContrast",
  pixelate: "effectPixelate",
  edge: "effectEdge",
  mirror: "effectMirror",
};

interface PreviewProps {
  readonly session: SessionView;
  readonly name: EffectName;
}

/** Never at the strength that was chosen: that one is seen in the large picture. */
function Preview({ session, name }: PreviewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  // A layout effect, because only those are undone before a view that closes is gone.
  useLayoutEffect(() => {
    if (!canvas.current) return;
    const shown = new AbortController();
    session.effects.preview(canvas.current, { name, strength: null }, shown.signal);
    return () => shown.abort();
  }, [session, name]);
  return <canvas ref={canvas} class="nbrtc-effect-preview" width={176} height={99} />;
}

interface TileProps extends PreviewProps {
  readonly checked: boolean;
  readonly onChoose: (name: EffectName) => void;
}

function EffectTile({ session, name, checked, onChoose }: TileProps) {
  const isMissing = name === "background" && !session.effects.hasBackground.value;
  const round = session.effects.previewRound.value;
  const isShown = session.cameraOn.value && !isMissing && round > 0;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a radio input is chosen by the arrow keys, see `moveThrough`
    <button
      type="button"
      class="nbrtc-effect"
      role="radio"
      aria-checked={checked}
      tabIndex={checked ? 0 : -1}
      data-nbrtc-effect={name}
      {...(checked ? { "data-nbrtc-first": true } : {})}
      onClick={() => onChoose(name)}
      // by itself the focus does not move what can be seen in part
      onFocus={({ currentTarget }) => currentTarget.scrollIntoView({ block: "nearest", inline: "nearest" })}
    >
      <span class="nbrtc-effect-picture" aria-hidden="true">
        {isShown ? (
          <Preview key={round} session={session} name={name} />
        ) : (
          <Icon name={iconNames[name]} size={22} />
        )}
        {checked && (
          <span class="nbrtc-effect-check">
            <Icon name="check" size={14} />
          </span>
        )}
      </span>
      <span class="nbrtc-effect-title">{isMissing ? "Choose a picture…" : EFFECTS[name].title}</span>
    </button>
  );
}

/**
 * Keys of the group (ARIA Authoring Practices, radio group in a toolbar): arrows, Home and End move the focus and choose
 * nothing. Otherwise the way from one effect to another would lead past the bare camera, and the others would see it.
 */
function moveThrough(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const group = event.currentTarget;
  const tiles = [...group.querySelectorAll<HTMLElement>("[role=radio]")];
  const at = tiles.findIndex((tile) => tile.matches(":focus"));
  const columns = getComputedStyle(group).gridTemplateColumns.split(" ").length;
  const goals: Record<string, number> = {
    ArrowRight: (at + 1) % tiles.length,
    ArrowLeft: (at - 1 + tiles.length) % tiles.length,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: tiles.length - 1,
  };
  const goal = goals[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  tiles[goal]?.focus();
}

interface EffectTilesProps {
  readonly session: SessionView;
  readonly effect: Effect;
  readonly onChoose: (name: EffectName) => void;
}

export function EffectTiles({ session, effect, onChoose }: EffectTilesProps) {
  return (
    <div class="nbrtc-effect-tiles" role="radiogroup" aria-label="Effect" onKeyDown={moveThrough}>
      {names.map((name) => (
        <EffectTile
          key={name}
          session={session}
          name={name}
          checked={name === effect.name}
          onChoose={onChoose}
        />
      ))}
    </div>
  );
}
