/** What comes down from the engine: its state, mirrored into this page's parts, and its events, each to whom it is for. */
import { batch, type Signal } from "@preact/signals";
import { type Bye, type CallState, type Event, PROTOCOL, type Quality, type RoomInfo } from "./messages";
import type { Parts } from "./parts";
import { type Activity, isInCall } from "./phase";

export interface EngineEventsOptions {
  readonly page: string;
  readonly parts: Parts;
  readonly state: Signal<CallState | null>;
  readonly qualities: Signal<readonly Quality[]>;
  readonly activity: Signal<Activity>;
  readonly hasPython: () => boolean;
  /** Devices off, everything of the call closed. */
  readonly stop: () => void;
  /** The same for ever. */
  readonly finish: () => void;
  readonly fail: (reason: string) => void;
  /** As the person's leaving, with a reason that they are told. */
  readonly turnAway: (reason: string) => void;
  readonly kernelGone: () => void;
}

export class EngineEvents {
  readonly #options: EngineEventsOptions;
  readonly #parts: Parts;
  /** The room was asked to take this page in since the click; an earlier refusal is not the answer. */
  #asked = false;

  constructor(options: EngineEventsOptions) {
    this.#options = options;
    this.#parts = options.parts;
  }

  /** The call is over, or about to begin. */
  reset(): void {
    this.#asked = false;
  }

  /** By the comm or the data channel. */
  take(event: Event): void {
    const { presence, notices, ice, room, analysis, connection, post, recordings, media, check } =
      this.#parts;
    switch (event.type) {
      case "welcome":
        presence.heard();
        if (event.protocol !== PROTOCOL) {
          const text = "This page's nbrtc and the kernel's have different versions: reload the page.";
          notices.tell("protocol", "error", text);
          return;
        }
        ice.configure(event.ice);
        this.#options.qualities.value = event.qualities;
        this.#mirror(event.state);
        room.read(event.chat);
        analysis.history.findings.value = event.findings;
        break;
      case "findings":
        analysis.history.findings.value = event.findings;
        break;
      case "state":
        presence.heard();
        this.#mirror(event);
        break;
      case "answer":
        connection.answer(event);
        break;
      case "candidate":
        connection.candidate(event);
        break;
      case "ice-configured":
      case "probe-ice":
      case "check-answer":
      case "checked":
        ice.take(event);
        check.take(event);
        break;
      case "reply":
        post.requests.settle(event);
        recordings.settle(event);
        break;
      case "recording-chunk":
        recordings.take(event);
        break;
      case "switch-media":
        media.switch(event);
        break;
      case "apply-quality":
        this.#applyQuality(event.quality);
        break;
      case "peer-signal":
        if (this.#isJoined()) room.mesh.take(event);
        break;
      case "chat":
        room.read(event.messages);
        break;
      case "bye":
        this.#bye(event);
        break;
      case "notice":
        if (event.text === "") notices.dismiss(event.key);
        else notices.tell(event.key, event.level, event.text);
        break;
      case "ping":
        break;
    }
  }

  /** The room's part of the newest state, and whether what is said now would get there. */
  mirrorRoom(): void {
    const state = this.#options.state.value;
    if (state === null || !this.#isJoined()) return;
    const { room, connection, tap, media } = this.#parts;
    if (state.owner !== this.#options.page) {
      room.mesh.reach(false); // an engine that has just begun knows nothing of this page
    } else if (state.room !== null) {
      if (state.room.phase !== "refused") this.#asked = true;
      else if (this.#asked) {
        this.#turnedAway(state.room);
        return;
      }
      room.mirror(state, connection.disturbance.value === null);
      if (this.#options.hasPython()) tap.setRecorded(state.recorded);
    }
    media.outgoing.refresh();
  }

  #mirror(state: CallState): void {
    const known = this.#options.state.value;
    const newer =
      known === null ||
      state.epoch > known.epoch ||
      (state.epoch === known.epoch && state.revision > known.revision);
    if (!newer) return;
    const { activity, page } = this.#options;
    const { media, check, room, recordings } = this.#parts;
    batch(() => {
      this.#options.state.value = state;
      media.effects.mirror(state.effect, state.background);
      if (state.checkRequested && !known?.checkRequested) void check.runForPython();
      room.moved(known?.room ?? null, state.room);
      if (state.phase === "closed") this.#options.finish();
      else if (state.owner === page) this.#mirrorOwn(state);
      else if (state.owner !== null && activity.value === "joined") this.#takenOver();
      this.mirrorRoom();
      recordings.mirror(state, this.#isJoined() && state.owner === page);
    });
  }

  #mirrorOwn(state: CallState): void {
    if (state.phase !== "connected" || !this.#isJoined()) return;
    this.#options.activity.value = "joined";
    this.#parts.connection.confirm();
  }

  /** Whoever was not let in is back at the card, and whoever was inside has lost the call. */
  #turnedAway(room: RoomInfo): void {
    if (this.#parts.room.wasJoined) this.#options.fail(room.reason);
    else this.#options.turnAway(room.reason);
  }

  #takenOver(): void {
    this.#leave();
    this.#parts.notices.tell("bye", "info", "The call moved to another window. Your camera is off here.");
  }

  #bye(bye: Bye): void {
    const wasJoined = this.#isJoined();
    if (bye.recover) this.#parts.connection.lose(bye.reason);
    else if (bye.code === "kernel-gone") this.#options.kernelGone();
    else if (bye.code === "taken-over") this.#takenOver();
    // another link would not help
    else if (bye.code === "lost") this.#options.fail(bye.reason);
    else {
      this.#leave();
      if (bye.code === "left" && wasJoined) this.#parts.notices.tell("bye", "info", bye.reason);
    }
  }

  #leave(): void {
    this.#options.stop();
    this.#options.activity.value = "none";
  }

  #applyQuality(quality: Quality): void {
    const { state } = this.#options;
    if (state.value !== null) state.value = { ...state.value, quality };
    void this.#parts.media.capture.applyQuality();
  }

  #isJoined(): boolean {
    return isInCall(this.#options.activity.value);
  }
}
