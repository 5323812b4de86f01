/** What happens to the person's own devices, as events: what is open, and what was plugged in. */
import type { Devices } from "../contract";

export interface DeviceTracks {
  readonly camera: MediaStreamTrack | null;
  readonly microphone: MediaStreamTrack | null;
  readonly screen: MediaStreamTrack | null;
}

type Kind = keyof DeviceTracks;
const NOTHING: DeviceTracks = { camera: null, microphone: null, screen: null };

export class DeviceEvents {
  readonly #say: (value: string) => void;
  #open = NOTHING;
  #plugged: Devices = { cameras: [], microphones: [] };

  constructor(say: (value: string) => void) {
    this.#say = say;
  }

  /** A call begins: what is open already is told with the next `look`. */
  start(): void {
    this.#open = NOTHING;
  }

  /** After a change of a track. */
  look(open: DeviceTracks): void {
    for (const kind of ["camera", "microphone", "screen"] as const) {
      const [before, now] = [this.#open[kind], open[kind]];
      if (before === now) continue;
      if (before !== null) this.#say(`${kind} closed: ${labelOf(kind, before)}`);
      if (now !== null) this.#say(`${kind} opened: ${labelOf(kind, now)}`);
    }
    this.#open = open;
  }

  /** After a change of the list; before the person allowed a device, browsers name none. */
  list(devices: Devices): void {
    this.#compare("camera", this.#plugged.cameras, devices.cameras);
    this.#compare("microphone", this.#plugged.microphones, devices.microphones);
    this.#plugged = devices;
  }

  #compare(kind: string, before: Devices["cameras"], now: Devices["cameras"]): void {
    const isNamed = (devices: Devices["cameras"]) => devices.some(({ label }) => label !== "");
    const isHidden = now.length > 0 && !isNamed(now); // the permission was taken back
    if (!isNamed(before) || isHidden) return;
    const missing = (one: Devices["cameras"], other: Devices["cameras"]) =>
      one.filter(({ id }) => !other.some((device) => device.id === id));
    for (const { label } of missing(before, now)) this.#say(`${kind} unplugged: ${label}`);
    for (const { label } of missing(now, before)) this.#say(`${kind} plugged in: ${label}`);
  }
}

/** A screen's label can be the title of a window; its kind (screen-capture, section 5.4.1) is enough. */
function labelOf(kind: Kind, track: MediaStreamTrack): string {
  return kind === "screen" ? (track.getSettings().displaySurface ?? "unknown") : track.label;
}
