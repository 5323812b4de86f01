/**
 * Pictures of a track, one by one, and a track of pictures, where a browser has no streams of them
 * (mediacapture-transform): through a hidden video and a canvas.
 */

/** Calls back for a page that is hidden, too, where `requestVideoFrameCallback` does not. */
export interface Clock {
  start(fps: number): void;
  stop(): void;
}

export class Grabber {
  readonly #video = document.createElement("video");
  readonly #onFrame: (frame: VideoFrame) => void;
  readonly #clock: Clock;
  #ended = false;
  #last_s = -1;

  /** `onFrame` gets pictures to keep and close. */
  constructor(track: MediaStreamTrack, clock: Clock, onFrame: (frame: VideoFrame) => void) {
    this.#onFrame = onFrame;
    this.#clock = clock;
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = new MediaStream([track]);
    void this.#video.play().catch(() => undefined); // a track that ended at once has nothing to play
    clock.start(track.getSettings().frameRate ?? 30);
    this.#await();
  }

  /** The worker's clock ticks. */
  tick(): void {
    if (document.hidden || !("requestVideoFrameCallback" in this.#video)) this.#grab();
  }

  /** Idempotent. */
  close(): void {
    this.#ended = true;
    this.#clock.stop();
    this.#video.srcObject = null;
  }

  #await(): void {
    if (this.#ended || !("requestVideoFrameCallback" in this.#video)) return;
    this.#video.requestVideoFrameCallback(() => {
      if (!document.hidden) this.#grab();
      this.#await();
    });
  }

  #grab(): void {
    const { readyState, currentTime } = this.#video;
    if (this.#ended || readyState < HTMLMediaElement.HAVE_CURRENT_DATA || currentTime === this.#last_s)
      return;
    this.#last_s = currentTime;
    this.#onFrame(new VideoFrame(this.#video, { timestamp: Math.round(1e6 * currentTime) }));
  }
}

/** What is drawn becomes a track. */
export class Painter {
  readonly #canvas = document.createElement("canvas");
  readonly track: MediaStreamTrack;

  constructor() {
    // captured only once there is a context: a canvas without one gives no stream in Firefox
    this.#canvas.getContext("2d");
    this.track = this.#canvas.captureStream().getVideoTracks()[0] as MediaStreamTrack;
  }

  /** Closes `frame`. */
  paint(frame: VideoFrame): void {
    const { displayWidth, displayHeight } = frame;
    if (this.#canvas.width !== displayWidth || this.#canvas.height !== displayHeight) {
      this.#canvas.width = displayWidth;
      this.#canvas.height = displayHeight;
    }
    this.#canvas.getContext("2d")?.drawImage(frame, 0, 0);
    frame.close();
  }
}
