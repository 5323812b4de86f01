/** One person's picture with a name, or words where there is none. */
import { Icon, type IconName } from "./icons";
import { usePicture } from "./picture";

interface TileProps {
  /** Whose picture: also the hook that tests find the video by. */
  readonly who: "own" | "python";
  readonly name: string;
  readonly line?: string;
  readonly icon: IconName;
  readonly stream: MediaStream | null;
  readonly muted: boolean;
  /** Why there is no picture, or null where one is expected. */
  readonly absence: string | null;
  /** What to say until the first frame is there. */
  readonly pending: string;
}

export function Tile({ who, name, line, icon, stream, muted, absence, pending }: TileProps) {
  const { video, shape } = usePicture(stream);
  const words = absence ?? (shape === "none" ? pending : null);
  return (
    <figure class={`nbrtc-tile nbrtc-tile--${who}`}>
      <video
        ref={video}
        class="nbrtc-video"
        data-nbrtc={who}
        aria-label={who === "own" ? "Your camera" : "Python's picture"}
        autoplay
        playsInline
        muted={muted}
      />
      {words !== null && (
        <div class="nbrtc-absence">
          <span class="nbrtc-avatar">
            <Icon name={icon} size={26} />
          </span>
          <span class="nbrtc-absence-words">{words}</span>
        </div>
      )}
      <figcaption class="nbrtc-caption">
        <strong class="nbrtc-caption-name">{name}</strong>
        {line !== undefined && <span class="nbrtc-caption-line"> {line}</span>}
      </figcaption>
    </figure>
  );
}
