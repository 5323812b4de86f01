/** Tracks and streams without media. */

export class FakeTrack extends EventTarget {
  static #made = 0;
  readonly id = `track ${++FakeTrack.#made}`;
  readyState: "live" | "ended" = "live";
  enabled = true;
  muted = false;
  contentHint = "";
  onended: (() => void) | null = null;

  constructor(readonly kind: "audio" | "video") {
    super();
  }
  stop(): void {
    this.readyState = "ended";
  }
  clone(): FakeTrack {
    return new FakeTrack(this.kind);
  }
  getSettings(): MediaTrackSettings {
    return { width: 640, height: 480, frameRate: 30 };
  }
  async applyConstraints(): Promise<void> {}
  /** The first packet of it has come. */
  arrive(): void {
    this.muted = false;
    this.dispatchEvent(new Event("unmute"));
  }
}

export class FakeStream {
  tracks: FakeTrack[];
  constructor(tracks: readonly FakeTrack[] = []) {
    this.tracks = [...tracks];
  }
  getTracks = () => [...this.tracks];
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === "video");
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === "audio");
  addTrack(track: FakeTrack): void {
    if (!this.tracks.includes(track)) this.tracks.push(track);
  }
  removeTrack(track: FakeTrack): void {
    this.tracks = this.tracks.filter((other) => other !== track);
  }
}
