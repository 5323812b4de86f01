/** One picture of a solo call with a name, or words where there is none. */
import { Icon, type IconName } from "./icons";
import { usePicture } from "./picture";

interface TileProps {
  /** Which picture: also the hook that tests find the video by. */
  readonly who: "own" | "python" | "camera";
  /** For whoever does not see it. */
  readonly label: string;
  readonly name: string;
  readonly line?: string;
  readonly icon: IconName;
  readonly stream: MediaStream | null;
  /** As in a mirror, for oneself alone: what is sent is not mirrored. */
  readonly mirrored?: boolean;
  /** In a narrow view it stands in the other one's corner. */
  readonly isInset?: boolean;
  /** Why there is no picture, or null where one is expected. */
  readonly absence: string | null;
  /** What to say until the first frame is there. */
  readonly pending: string;
}

export function Tile(props: TileProps) {
  const { who, label, name, line, icon, stream, mirrored = false, isInset = false, absence, pending } = props;
  const { video, shape } = usePicture(stream);
  const words = absence ?? (shape === "none" ? pending : null);
  const looks = `${isInset ? "nbrtc-tile--inset" : ""} ${mirrored ? "nbrtc-tile--mirrored" : ""}`;
  return (
    <figure class={`nbrtc-tile nbrtc-tile--${who} ${looks}`}>
      <video
        ref={video}
        class="nbrtc-video"
        data-nbrtc={who}
        aria-label={label}
        autoplay
        playsInline
        muted // what is to be heard of Python is no tile's: see python-sound.tsx
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
        {line !== undefined && line !== "" && <span class="nbrtc-caption-line"> {line}</span>}
      </figcaption>
    </figure>
  );
}
