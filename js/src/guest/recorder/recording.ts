/**
 * One recording of a guest page, from the click to the last file: whom it takes in and when, which films it makes, how it
 * ends. The browser's own means come as `Studio`, so that no media is needed to test it.
 */
import type { Participant, RecordedFile, RecordingStatus, StartRecording } from "../../messages";
import { HEIGHT, WIDTH } from "./arrangement";
import { Consent, ME } from "./consent";
import type { Destination } from "./destination";
import type { FilmOptions } from "./film";
import type { Format } from "./formats";
import { JSON_SUFFIX, MANIFEST, manifestText, type Switch } from "./manifest";
import { fileStem } from "./names";
import type { Scene, Source } from "./source";

const TOLD_MS = 1_000;
const SPACE_MS = 5_000;
const LITTLE_BYTES = 500e6;
const LEAST_BYTES = 50e6;
/** A file that begins later says so in its name. */
const LATE_MS = 1_000;
/** Each film costs an encoder. */
const MANY_FILMS = 4;

/** A `Film`, or what stands for it in a test. */
export interface Filming {
  readonly duration_ms: number;
  readonly size_bytes: number;
  draw(scene: Scene): void;
  stop(): Promise<void>;
}

/** What makes films; closed with the recording. */
export interface Studio {
  /** Those who may soon be in a picture. */
  watch(sources: readonly Source[]): void;
  /** Throws where the browser cannot. */
  film(options: Omit<FilmOptions, "context" | "screens">): Filming;
  close(): void;
}

export interface RecordingOptions {
  readonly id: string;
  /** Its name. */
  readonly room: string;
  readonly request: Pick<StartRecording, "tracks" | "layout">;
  readonly format: Format;
  readonly destination: Destination;
  /** Opens the studio, which beats 30 times a second. */
  readonly openStudio: (beat: () => void) => Studio;
  readonly scene: () => Scene;
  /** Null where the browser does not say. */
  readonly freeBytes: () => Promise<number | null>;
  /** After every change, and once a second. */
  readonly onChange: () => void;
}

interface Reel {
  readonly film: Filming;
  readonly person: string;
  readonly name: string;
  readonly file: { name: string | null };
  /** In ms since the recording began, like all times of a reel. */
  readonly start_ms: number;
  left_ms: number | null;
  readonly screens: Switch[];
}

export class Recording {
  readonly id: string;
  readonly #options: RecordingOptions;
  readonly #consent: Consent;
  readonly #studio: Studio;
  readonly #startedAt_s = Date.now() / 1000;
  readonly #started_ms = performance.now();
  /** By person; the one of a mixed recording is nobody's. */
  readonly #reels = new Map<string, Reel>();
  readonly #complete: Reel[] = [];
  readonly #stems = new Set<string>();
  #state: RecordingStatus["state"] = "recording";
  #error: string | null = null;
  #note = "";
  #duration_ms: number | null = null;
  #told_ms = 0;
  #looked_ms = 0;
  #stopping: Promise<void> | null = null;
  #isAbandoned = false;

  /** Throws where the browser cannot record. */
  constructor(options: RecordingOptions) {
    this.id = options.id;
    this.#options = options;
    this.#consent = new Consent(options.id, options.request.tracks);
    this.#studio = options.openStudio(() => this.#beat());
  }

  get isRunning(): boolean {
    return this.#stopping === null;
  }

  /** Whose frames are recorded now. */
  get recorded(): readonly string[] {
    const people = this.isRunning ? this.#consent.people(performance.now()) : [];
    return people.filter(({ state }) => state === "recorded").map(({ id }) => id);
  }

  get status(): RecordingStatus {
    const { destination, request } = this.#options;
    const reels = [...this.#complete, ...this.#reels.values()];
    return {
      id: this.id,
      path: destination.path,
      state: this.#state,
      startedAtS: this.#startedAt_s,
      durationS: (this.#duration_ms ?? this.#elapsed(reels)) / 1000,
      sizeBytes: reels.reduce((sum, { film }) => sum + film.size_bytes, 0),
      error: this.#error,
      folder: "",
      layout: request.layout,
      people: this.#consent.people(performance.now()),
      files: this.#state === "recording" ? [] : this.#files(),
      composedFraction: 0,
      note: this.#note,
    };
  }

  /** The room as it is now; `isShown`: this page shows the badge. */
  update(participants: readonly Participant[], isShown: boolean): void {
    if (this.isRunning) this.#consent.update(participants, isShown, performance.now());
  }

  /** Resolves when all files are complete and given to the person. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The page goes: stop, and leave what is in the browser's file system for the next visit. */
  abandon(): void {
    this.#isAbandoned = true;
    void this.stop();
  }

  get #isOneFile(): boolean {
    return this.#options.request.layout !== "separate";
  }

  // --- while it runs

  #beat(): void {
    if (!this.isRunning) return;
    const scene = this.#options.scene();
    this.#studio.watch(scene.sources.filter(({ id }) => this.#consent.asks(id)));
    const sources = scene.sources.filter(({ id }) => this.#consent.has(id));
    try {
      if (this.#isOneFile) this.#drawAll({ ...scene, sources });
      else this.#drawEach(sources);
    } catch (error) {
      this.#fail(`The browser cannot record (${reasonOf(error)}).`);
    }
    const now_ms = performance.now();
    if (now_ms - this.#looked_ms >= SPACE_MS) {
      this.#looked_ms = now_ms;
      void this.#lookForSpace();
    }
    if (now_ms - this.#told_ms >= TOLD_MS) this.#tell();
  }

  #drawAll(scene: Scene): void {
    if (this.#reels.size === 0 && scene.sources.length > 0) this.#open("", "", this.#options.request.layout);
    for (const { film } of this.#reels.values()) film.draw(scene);
  }

  #drawEach(sources: readonly Source[]): void {
    for (const { id, name } of sources) if (!this.#reels.has(id)) this.#open(id, name, null);
    for (const [id, reel] of this.#reels) {
      const source = sources.find((one) => one.id === id);
      if (source === undefined && !this.#consent.has(id)) {
        this.#reels.delete(id); // whoever comes back is somebody new, with a file of their own
        reel.left_ms = this.#now_ms;
        this.#complete.push(reel);
        const tell = () => this.#tell();
        void reel.film.stop().then(tell, tell); // why it could not be completed is said in the end
        continue;
      }
      const away: Source = { id, name: reel.name, video: null, audio: [], isScreen: false };
      const isScreen = source?.isScreen === true;
      if (isScreen !== (reel.screens.at(-1)?.on ?? false)) {
        reel.screens.push({ time_ms: this.#now_ms, on: isScreen });
      }
      reel.film.draw({ sources: [source ?? away], speaking: null });
    }
  }

  #open(person: string, name: string, layout: RecordingStatus["layout"]): void {
    const { format, destination } = this.#options;
    const late_ms = this.#now_ms;
    const from = person !== "" && late_ms >= LATE_MS ? ` from ${Math.round(late_ms / 1000)} s` : "";
    const stem = fileStem(`${name || "everybody"}${from}`, this.#stems);
    this.#stems.add(stem.toLowerCase());
    const sink = destination.open(stem, format.suffix);
    const file: Reel["file"] = { name: null };
    sink.then(
      ({ name: given }) => {
        file.name = given;
      },
      () => undefined, // the film says it
    );
    const isCaptioned = person === "";
    const onProblem = (text: string) => this.#fail(text);
    const film = this.#studio.film({ format, layout, isCaptioned, sink, onProblem });
    const start_ms = this.#now_ms;
    this.#reels.set(person, { film, person, name, file, start_ms, left_ms: null, screens: [] });
    if (this.#reels.size > MANY_FILMS) {
      this.#note = `${this.#reels.size} films are made at once, which is much work for this device: one picture of all is less.`;
    }
    this.#tell();
  }

  async #lookForSpace(): Promise<void> {
    const free_bytes = await this.#options.freeBytes();
    if (free_bytes === null || !this.isRunning) return;
    const megabytes = Math.round(free_bytes / 1e6);
    if (free_bytes < LEAST_BYTES) {
      this.#fail(`The recording ended because only ${megabytes} MB are left for it on this device.`);
    } else if (free_bytes < LITTLE_BYTES) {
      this.#note = `Only ${megabytes} MB are left for the recording on this device.`;
    }
  }

  #fail(text: string): void {
    this.#error ??= text;
    void this.stop();
  }

  // --- its end

  async #stop(): Promise<void> {
    await null; // whoever called is done first: a film may fail in the middle of a beat
    const { destination } = this.#options;
    const reels = [...this.#complete, ...this.#reels.values()];
    this.#duration_ms = this.#elapsed(reels);
    for (const end of await Promise.allSettled(reels.map(({ film }) => film.stop()))) {
      if (end.status === "rejected") {
        this.#error ??= `A film could not be completed (${reasonOf(end.reason)}).`;
      }
    }
    if (this.#isOneFile) this.#duration_ms = this.#elapsed(reels);
    this.#studio.close();
    if (this.#isAbandoned) {
      destination.close();
      return;
    }
    try {
      if (reels.length > 0 && !this.#isOneFile) await this.#describe(reels);
      if (reels.length > 0) this.#note = (await destination.deliver()) || this.#note;
      else await destination.discard(); // no page had shown the badge
    } catch (error) {
      this.#error ??= `The recording could not be saved (${reasonOf(error)}). What this browser kept of it is offered when this page is opened again.`;
    }
    this.#state = this.#error === null ? "stopped" : "failed";
    this.#tell();
  }

  /** The manifest beside the separate files; without it they are whole all the same. */
  async #describe(reels: readonly Reel[]): Promise<void> {
    const { destination, format, room } = this.#options;
    const people = this.#consent.people(performance.now());
    const asked_ms = (id: string) => this.#consent.asked_ms(id) - this.#started_ms;
    const text = manifestText({
      id: this.id,
      startedAt_s: this.#startedAt_s,
      duration_ms: this.#duration_ms ?? 0,
      room,
      name: people.find(({ id }) => id === ME)?.name ?? "",
      error: this.#error ?? "",
      format,
      takes: reels.flatMap(({ film, person, name, file, start_ms, left_ms, screens }) => {
        const { duration_ms, size_bytes } = film;
        if (file.name === null || size_bytes === 0) return [];
        const found = { file: file.name, start_ms, duration_ms, size_bytes, left_ms, screens };
        return [{ ...found, id: person, name, asked_ms: asked_ms(person), width: WIDTH, height: HEIGHT }];
      }),
      leftOut: people
        .filter(({ id }) => !reels.some(({ person }) => person === id))
        .map(({ id, name }) => ({ id, name, asked_ms: asked_ms(id) })),
    });
    try {
      const sink = await destination.open(MANIFEST, JSON_SUFFIX);
      await sink.write(new TextEncoder().encode(text));
      await sink.close();
    } catch (error) {
      this.#note = `The files have no manifest, which could not be written (${reasonOf(error)}).`;
    }
  }

  get #now_ms(): number {
    return performance.now() - this.#started_ms;
  }

  #elapsed(reels: readonly Reel[]): number {
    if (this.#isOneFile) return reels[0]?.film.duration_ms ?? 0;
    return reels.length === 0 ? 0 : this.#now_ms;
  }

  #files(): readonly RecordedFile[] {
    return [...this.#complete, ...this.#reels.values()].flatMap(({ film, file, person }) =>
      file.name === null ? [] : [{ name: file.name, path: "", sizeBytes: film.size_bytes, person }],
    );
  }

  #tell(): void {
    this.#told_ms = performance.now();
    this.#options.onChange();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
