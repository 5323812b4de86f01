/**
 * Plays everybody's track so that it can be drawn. Those who are asked still are played, too: their first picture takes
 * a moment, and it is to be there when they are in.
 */
import type { Source } from "./source";

/** HTMLMediaElement.HAVE_CURRENT_DATA */
const HAS_PICTURE = 2;

interface Screen {
  readonly video: HTMLVideoElement;
  readonly track: MediaStreamTrack;
}

export class Screens {
  readonly #screens = new Map<string, Screen>();

  /** Whoever may be drawn from now on, with the tracks that they have now. */
  watch(sources: readonly Source[]): void {
    const tracks = new Map(sources.map(({ id, video }) => [id, video]));
    for (const [id, { track }] of this.#screens) if (tracks.get(id) !== track) this.#end(id);
    for (const [id, track] of tracks) if (track !== null && !this.#screens.has(id)) this.#play(id, track);
  }

  /** Null while there is nothing of them to see. */
  of({ id, video: track }: Source): HTMLVideoElement | null {
    const screen = this.#screens.get(id);
    if (screen === undefined || screen.track !== track) return null;
    const { readyState, videoWidth } = screen.video;
    return readyState >= HAS_PICTURE && videoWidth > 0 ? screen.video : null;
  }

  /** Idempotent. */
  close(): void {
    for (const id of [...this.#screens.keys()]) this.#end(id);
  }

  #play(id: string, track: MediaStreamTrack): void {
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([track]);
    // refused only where it ends before it began
    video.play().catch(() => undefined);
    this.#screens.set(id, { video, track });
  }

  #end(id: string): void {
    const video = this.#screens.get(id)?.video;
    if (video === undefined) return;
    video.pause();
    video.srcObject = null;
    this.#screens.delete(id);
  }
}
