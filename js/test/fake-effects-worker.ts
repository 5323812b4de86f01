/** A browser with streams of frames, and the effects' worker played by hand. */
import { vi } from "vitest";
import type { FromWorker, ToWorker } from "../src/effects/protocol";
import { FakeTrack } from "./fake-track";

export class FakeEffectsWorker {
  static made: FakeEffectsWorker[] = [];
  readonly taken: ToWorker[] = [];
  onmessage: ((event: { data: FromWorker }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  isEnded = false;

  constructor() {
    FakeEffectsWorker.made.push(this);
  }
  postMessage(message: ToWorker): void {
    this.taken.push(message);
  }
  terminate(): void {
    this.isEnded = true;
  }

  of<Type extends ToWorker["type"]>(type: Type): Extract<ToWorker, { type: Type }>[] {
    return this.taken.filter((message) => message.type === type) as Extract<ToWorker, { type: Type }>[];
  }
  say(message: FromWorker): void {
    this.onmessage?.({ data: message });
  }
  run(): void {
    this.say({ type: "status", status: { state: "running", text: "", fps: null, frame_ms: null } });
  }
}

/** What comes out of the worker. */
class FakeGenerator extends FakeTrack {
  readonly writable = {};

  constructor({ kind }: { kind: "video" }) {
    super(kind);
  }
}

export function stubEffects(): void {
  FakeEffectsWorker.made = [];
  vi.stubGlobal("VideoFrame", class {});
  vi.stubGlobal("OffscreenCanvas", class {});
  vi.stubGlobal("Worker", FakeEffectsWorker);
  vi.stubGlobal("NBRTC_EFFECTS_WORKER", "");
  vi.stubGlobal(
    "MediaStreamTrackProcessor",
    class {
      readonly readable = {};
    },
  );
  vi.stubGlobal("MediaStreamTrackGenerator", FakeGenerator);
}
