/**
 * Recordings as this page takes part in them: starting and stopping, saving their files, and telling the engine whose
 * red badge the person sees. Nobody is written before that.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { RecordingChoice } from "./contract";
import { Downloads } from "./downloads";
import { newId } from "./ids";
import type { CallState, RecordingChunk, Reply } from "./messages";
import type { Notices } from "./notices";
import type { Post } from "./post";
import { Reads } from "./reads";
import { GRACE_MS } from "./views";

export interface RecordingsOptions {
  readonly state: ReadonlySignal<CallState | null>;
  readonly post: Post;
  readonly notices: Notices;
}

export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #reads: Reads;
  readonly #downloads: Downloads;
  /** Ids whose badge stands in a view. */
  #shown: readonly string[] = [];
  /** What the engine was told last; null while it was told nothing, which means none. */
  #said: readonly string[] | null = null;
  /** The engine takes this page for the one in the call: only then its word counts. */
  #isIn = false;
  #epoch = -1;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.#reads = new Reads(options.post);
    this.#downloads = new Downloads({
      reads: this.#reads,
      notices: options.notices,
      sizeOf: (recording, file) => this.#sizeOf(recording, file),
    });
  }

  get downloads(): Downloads["items"] {
    return this.#downloads.items;
  }

  /** Sent before this returns: the guest page's engine asks for a file within the click. */
  start({ tracks, layout, suffix }: RecordingChoice): void {
    void this.#options.post.ask({ type: "start-recording", id: newId(), path: "", tracks, layout, suffix });
  }

  stop(): void {
    void this.#options.post.ask({ type: "stop-recording", id: newId() });
  }

  save(recording: string, file: string): Promise<void> {
    return this.#downloads.save(recording, file);
  }

  cancel(recording: string, file: string): void {
    this.#downloads.cancel(recording, file);
  }

  /**
   * The badge of these stands in a view now. None may only mean that the cell is being moved or drawn anew: as the
   * call itself waits for a view to come back, so does the word that there is no badge any more.
   */
  shows(ids: readonly string[]): void {
    clearTimeout(this.#grace);
    this.#shown = [...ids];
    if (ids.length > 0) this.#say();
    else this.#grace = setTimeout(() => this.#say(), GRACE_MS);
  }

  /** The engine's newest state, and whether this page is in the call that it describes. */
  mirror({ epoch }: CallState, isIn: boolean): void {
    const isNews = isIn && (!this.#isIn || epoch !== this.#epoch); // an engine that knows nothing of the badges
    this.#isIn = isIn;
    this.#epoch = epoch;
    if (isNews) this.#sayAgain();
  }

  /** There is a new link. What was said on an old one may not have arrived. */
  linked(): void {
    this.#sayAgain();
    this.#reads.again();
  }

  /** This page is not in the call any more; its files can still be saved. */
  left(): void {
    this.#isIn = false;
  }

  take(chunk: RecordingChunk): void {
    this.#reads.take(chunk);
  }

  settle(reply: Reply): void {
    this.#reads.settle(reply);
  }

  /** Nothing can be saved any more: stop it, and say why where something was. Idempotent. */
  close(reason = ""): void {
    clearTimeout(this.#grace);
    const cut = this.downloads.value.map(({ file }) => file);
    this.#downloads.close();
    if (reason === "" || cut.length === 0) return;
    const text = `${cut.join(", ")} could not be saved: ${reason}`;
    this.#options.notices.tell("downloads", "error", text);
  }

  #say(): void {
    const said = this.#said ?? [];
    const isSaid = said.length === this.#shown.length && said.every((id) => this.#shown.includes(id));
    if (this.#isIn && !isSaid) this.#tell();
  }

  #sayAgain(): void {
    if (this.#isIn && (this.#said !== null || this.#shown.length > 0)) this.#tell();
  }

  #tell(): void {
    this.#said = this.#shown;
    this.#options.post.send({ type: "recordings-shown", recordings: this.#shown });
  }

  #sizeOf(recording: string, file: string): number {
    const state = this.#options.state.value;
    const known = [...(state?.recording ? [state.recording] : []), ...(state?.recordings ?? [])];
    const files = known.find(({ id }) => id === recording)?.files ?? [];
    return files.find(({ name }) => name === file)?.sizeBytes ?? 0;
  }
}
