/** The recordings of a guest page: at most one at a time, and what is told of them to the views and to the room. */
import { newId } from "../../ids";
import type { CallState, Participant, RecordingStatus, StartRecording } from "../../messages";
import { SignalingError } from "../socket";
import type { Destination } from "./destination";
import type { Format } from "./formats";
import { title } from "./names";
import { Recording, type RecordingOptions } from "./recording";

const KEPT = 5;

/** What this page can record with; a fake in tests. */
export interface Equipment extends Pick<RecordingOptions, "openStudio" | "scene" | "freeBytes"> {
  /** Null where the browser cannot record. */
  format(films: "one" | "several"): Format | null;
  /** Called within the click. Null where the person was asked and chose nothing. */
  choose(kind: "file" | "folder", title: string, format: Format): Promise<Destination | null>;
}

/** The recordings' part of the state. */
export type Recorded = Pick<CallState, "recording" | "recordings" | "recorded">;

export interface RecorderOptions {
  /** Null where nobody may record: no browser is behind it. */
  readonly equipment: Equipment | null;
  /** The state's part changed, and perhaps what the room is told. */
  readonly onChange: (recorded: Recorded) => void;
  readonly onProblem: (text: string) => void;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #recording: Recording | null = null;
  #earlier: readonly RecordingStatus[] = [];
  #isChoosing = false;
  /** Counts the ends, so that a file that is chosen after one is not written. */
  #ends = 0;
  #participants: readonly Participant[] = [];
  #shown: readonly string[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Of the recording that runs; empty where none does. */
  get recordingId(): string {
    return this.#recording?.isRunning ? this.#recording.id : "";
  }

  /** Within the click. Throws a `SignalingError`; what goes wrong later is told as a problem. */
  start(request: StartRecording, room: string): void {
    const { equipment } = this.#options;
    if (this.recordingId !== "" || this.#isChoosing) {
      throw new SignalingError("not-allowed", "A recording runs already: stop it first.");
    }
    const films = request.layout === "separate" ? "several" : "one";
    const format = equipment?.format(films) ?? null;
    if (equipment === null || format === null) {
      throw new SignalingError(
        "not-allowed",
        "This browser cannot record: use a current Chromium, Firefox or Safari.",
      );
    }
    this.#isChoosing = true;
    const kind = films === "one" ? "file" : "folder";
    this.#begin(equipment, request, room, format, equipment.choose(kind, title(room, new Date()), format))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.onProblem(`The recording could not begin (${reason}).`);
      })
      .finally(() => {
        this.#isChoosing = false;
      });
  }

  /** Idempotent; files follow. */
  stop(): void {
    this.#ends += 1;
    void this.#recording?.stop();
    this.#tell();
  }

  /** The page goes away. */
  close(): void {
    this.#ends += 1;
    this.#recording?.abandon();
  }

  /** The room as it is now, and the badges that stand in a view of this page. */
  update(participants: readonly Participant[], shown: readonly string[]): void {
    this.#participants = participants;
    this.#shown = shown;
    const recording = this.#recording;
    if (!recording?.isRunning) return;
    const before = recording.recorded.join();
    recording.update(participants, shown.includes(recording.id));
    if (recording.recorded.join() !== before) this.#tell();
  }

  async #begin(
    equipment: Equipment,
    request: StartRecording,
    room: string,
    format: Format,
    choice: Promise<Destination | null>,
  ): Promise<void> {
    const ends = this.#ends;
    const destination = await choice;
    if (destination === null) return; // the person thought better of it
    if (ends !== this.#ends) {
      await destination.discard();
      return;
    }
    if (this.#recording !== null) {
      this.#earlier = [this.#recording.status, ...this.#earlier].slice(0, KEPT);
    }
    try {
      this.#recording = new Recording({
        id: newId(),
        request,
        room,
        format,
        destination,
        openStudio: equipment.openStudio,
        scene: equipment.scene,
        freeBytes: equipment.freeBytes,
        onChange: () => this.#tell(),
      });
    } catch (error) {
      await destination.discard();
      throw error;
    }
    this.update(this.#participants, this.#shown);
    this.#tell();
  }

  #tell(): void {
    const recording = this.#recording;
    this.#options.onChange({
      recording: recording?.status ?? null,
      recordings: this.#earlier,
      recorded: recording?.recorded ?? [],
    });
  }
}
