/** What a guest page records with, without media: films that only count, beats by hand, a destination in memory. */
import type { Destination } from "../src/guest/recorder/destination";
import type { FilmOptions } from "../src/guest/recorder/film";
import type { Equipment } from "../src/guest/recorder/recorder";
import type { Filming, Studio } from "../src/guest/recorder/recording";
import { MemorySink, type Sink } from "../src/guest/recorder/sink";
import type { Scene } from "../src/guest/recorder/source";

export class FakeFilm implements Filming {
  readonly #started_ms = performance.now();
  #stopped_ms: number | null = null;
  /** Whom each picture showed. */
  readonly drawn: string[][] = [];
  size_bytes = 1000;

  constructor(readonly options: Omit<FilmOptions, "context" | "screens">) {}
  get isStopped(): boolean {
    return this.#stopped_ms !== null;
  }
  get duration_ms(): number {
    return (this.#stopped_ms ?? performance.now()) - this.#started_ms;
  }
  draw({ sources }: Scene): void {
    this.drawn.push(sources.map(({ id, audio }) => (audio.length > 0 ? id : `(${id})`)));
  }
  async stop(): Promise<void> {
    this.#stopped_ms ??= performance.now();
  }
}

export class FakeDestination implements Destination {
  readonly files: string[] = [];
  /** How it ended. */
  end: "delivered" | "discarded" | "closed" | null = null;
  /** What delivering comes to: a note, or an error. */
  delivery: () => Promise<string> = async () => "";
  refusal: Error | null = null;
  /** Of single files. */
  readonly refusals = new Map<string, Error>();
  readonly sinks = new Map<string, MemorySink>();

  constructor(
    readonly kind: string,
    readonly path: string,
  ) {}
  async open(stem: string, suffix: string): Promise<Sink> {
    if (this.refusal !== null) throw this.refusal;
    const name = this.kind === "file" ? this.path : `${stem}${suffix}`;
    const refusal = this.refusals.get(name);
    if (refusal !== undefined) throw refusal;
    this.files.push(name);
    const sink = new MemorySink(name);
    this.sinks.set(name, sink);
    return sink;
  }
  /** What is in the files. */
  get written(): Map<string, File> {
    return new Map([...this.sinks].map(([name, sink]) => [name, sink.file("")]));
  }
  async deliver(): Promise<string> {
    const note = await this.delivery();
    this.end = "delivered";
    return note;
  }
  async discard(): Promise<void> {
    this.end = "discarded";
  }
  close(): void {
    this.end = "closed";
  }
}

export class FakeEquipment implements Equipment {
  readonly films: FakeFilm[] = [];
  readonly destinations: FakeDestination[] = [];
  isSupported = true;
  isDeclined = false;
  /** The person has not chosen yet: call it to let them. */
  chooses: Promise<void> = Promise.resolve();
  free: number | null = null;
  scene: () => Scene = () => ({ sources: [], speaking: null });
  openStudios = 0;
  /** Who is played, to be drawn soon. */
  watched: readonly string[] = [];
  #beat: (() => void) | null = null;

  readonly format = () =>
    this.isSupported ? ({ mimeType: "video/webm;codecs=vp8,opus", suffix: ".webm" } as const) : null;

  readonly choose = async (kind: "file" | "folder", title: string): Promise<Destination | null> => {
    await this.chooses;
    if (this.isDeclined) return null;
    const destination = new FakeDestination(kind, kind === "file" ? `${title}.webm` : title);
    this.destinations.push(destination);
    return destination;
  };

  readonly openStudio = (beat: () => void): Studio => {
    this.#beat = beat;
    this.openStudios += 1;
    return {
      watch: (sources) => {
        this.watched = sources.map(({ id }) => id);
      },
      film: (options) => {
        const film = new FakeFilm(options);
        this.films.push(film);
        return film;
      },
      close: () => {
        this.openStudios -= 1;
        this.#beat = null;
      },
    };
  };

  readonly freeBytes = async () => this.free;

  beat(): void {
    this.#beat?.();
  }

  get film(): FakeFilm {
    const film = this.films.at(-1);
    if (film === undefined) throw new Error("No film was begun.");
    return film;
  }

  get destination(): FakeDestination {
    const destination = this.destinations.at(-1);
    if (destination === undefined) throw new Error("Nothing was chosen.");
    return destination;
  }
}
