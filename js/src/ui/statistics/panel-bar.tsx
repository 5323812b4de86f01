/** The buttons of a statistics panel: what is shown, of whom, how much time, and whether it moves. */

import { spanText } from "../format";
import { Icon } from "../icons";
import { moveFocus } from "../menu";
import { Popover } from "../popover";
import type { Frames } from "./frames";
import { pause, zoom } from "./keys";
import { metrics, metricsOf } from "./metrics";
import { lineClass } from "./palette";
import type { Panel } from "./panel";
import { MIN_SPAN_S } from "./time-window";

interface BarProps {
  readonly panel: Panel;
  readonly frames: Frames;
}

interface ItemProps {
  readonly text: string;
  readonly checked: boolean;
  /** The only one that is left: a panel without any shows nothing. */
  readonly isLast: boolean;
  readonly colour?: number;
  readonly onChange: (on: boolean) => void;
}

function Item({ text, checked, isLast, colour, onChange }: ItemProps) {
  return (
    <button
      type="button"
      class="nbrtc-menu-item"
      role="menuitemcheckbox"
      aria-checked={checked}
      aria-disabled={isLast}
      tabIndex={-1}
      onClick={() => !isLast && onChange(!checked)}
    >
      <span class="nbrtc-menu-mark">{checked && <Icon name="check" size={16} />}</span>
      <bdi>{text}</bdi>
      {colour !== undefined && <i class={`nbrtc-swatch ${lineClass(colour)}`} aria-hidden="true" />}
    </button>
  );
}

function MetricsMenu({ panel: { choice } }: { readonly panel: Panel }) {
  const chosen = choice.metrics.value;
  return (
    <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
      {metrics.map(({ key, title }) => {
        const checked = chosen.includes(key);
        return (
          <Item
            key={key}
            text={title}
            checked={checked}
            isLast={checked && chosen.length === 1}
            onChange={(on) => {
              const now = choice.metrics.peek();
              const keys = on ? [...now, key] : now.filter((each) => each !== key);
              choice.metrics.value = metricsOf(keys).map((metric) => metric.key);
            }}
          />
        );
      })}
    </div>
  );
}

function ParticipantsMenu({ panel: { choice }, frames }: BarProps) {
  const { all } = frames.frame.value;
  const isShown = choice.isShown.value;
  const shown = all.filter(({ peer }) => isShown(peer));
  const peers = all.map(({ peer }) => peer);
  return (
    <div class="nbrtc-menu" role="none" onKeyDown={moveFocus}>
      {all.map(({ peer, name, colour }) => {
        const checked = isShown(peer);
        return (
          <Item
            key={peer}
            text={name}
            checked={checked}
            isLast={checked && shown.length === 1}
            colour={colour}
            onChange={(on) => choice.show(peer, on, peers)}
          />
        );
      })}
    </div>
  );
}

function ZoomButton({ panel, frames, step }: BarProps & { readonly step: 1 | -1 }) {
  const { span_s } = panel.window.value;
  const isAtEnd = step > 0 ? span_s !== null && span_s <= MIN_SPAN_S : span_s === null;
  const name = step > 0 ? "Zoom in" : "Zoom out";
  return (
    <button
      type="button"
      class="nbrtc-button nbrtc-button--icon"
      aria-label={name}
      title={`${name} (${step > 0 ? "+" : "−"})`}
      aria-disabled={isAtEnd}
      onClick={() => !isAtEnd && zoom(panel, frames.frame.peek(), step)}
    >
      <Icon name={step > 0 ? "zoomIn" : "zoomOut"} size={16} />
    </button>
  );
}

/** How much time is shown; pressed, it goes back to the usual. */
function Span({ panel, frames }: BarProps) {
  const { span_s } = panel.window.value;
  const { from_s, to_s } = frames.frame.value.range;
  return (
    <button
      type="button"
      class="nbrtc-button nbrtc-button--icon nbrtc-span"
      title="Back to the usual time (0)"
      onClick={() => {
        panel.window.value = panel.usual;
      }}
    >
      <span class="nbrtc-unseen">Shown: </span>
      {span_s === null ? "all" : spanText(to_s - from_s)}
    </button>
  );
}

function PauseButton({ panel, frames }: BarProps) {
  const isPaused = panel.window.value.end_s !== null;
  return (
    <button
      type="button"
      class={`nbrtc-button nbrtc-button--icon nbrtc-pause ${isPaused ? "nbrtc-pause--paused" : ""}`}
      title={isPaused ? "Jump to now (Space in a chart)" : "Let the picture stand still (Space in a chart)"}
      onClick={() => pause(panel, frames.frame.peek())}
    >
      <Icon name={isPaused ? "play" : "pause"} size={16} />
      {isPaused ? "Resume" : "Pause"}
    </button>
  );
}

export function PanelBar({ panel, frames }: BarProps) {
  const { all, series } = frames.frame.value;
  const isAnybodyHidden = series.length < all.length;
  return (
    <div class="nbrtc-panel-bar" role="toolbar" aria-label="What the charts show">
      <Popover
        panel={{
          kind: "menu",
          name: "Metrics",
          tip: "Metrics",
          icon: "metrics",
          text: "Metrics",
          body: () => <MetricsMenu panel={panel} />,
        }}
      />
      {(all.length > 1 || isAnybodyHidden) && (
        <Popover
          panel={{
            kind: "menu",
            name: "Participants",
            tip: "Participants",
            icon: "people",
            text: "Participants",
            body: () => <ParticipantsMenu panel={panel} frames={frames} />,
          }}
        />
      )}
      <span class="nbrtc-panel-zoom">
        <ZoomButton panel={panel} frames={frames} step={-1} />
        <Span panel={panel} frames={frames} />
        <ZoomButton panel={panel} frames={frames} step={1} />
      </span>
      {panel.isLive && <PauseButton panel={panel} frames={frames} />}
    </div>
  );
}
