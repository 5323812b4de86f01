/** Devices on the timeline. */
import { expect, it } from "vitest";
import { DeviceEvents, type DeviceTracks } from "../src/stats/device-events";

const track = (label: string, displaySurface?: string) =>
  ({ label, getSettings: () => ({ displaySurface }) }) as unknown as MediaStreamTrack;
const NOTHING: DeviceTracks = { camera: null, microphone: null, screen: null };
const list = (...labels: string[]) => labels.map((label) => ({ id: label, label }));

function make() {
  const said: string[] = [];
  return { events: new DeviceEvents((value) => void said.push(value)), said };
}

it("tells what is opened, exchanged and closed, each once", () => {
  const { events, said } = make();
  const [first, second] = [track("FaceTime HD"), track("Logitech C920")];
  for (const camera of [first, first, second, null]) events.look({ ...NOTHING, camera });
  expect(said).toEqual([
    "camera opened: FaceTime HD",
    "camera closed: FaceTime HD",
    "camera opened: Logitech C920",
    "camera closed: Logitech C920",
  ]);
});

it("tells a call that begins later what is open already", () => {
  const { events, said } = make();
  const microphone = track("Headset");
  events.look({ ...NOTHING, microphone });
  events.start();
  events.look({ ...NOTHING, microphone });
  expect(said).toEqual(["microphone opened: Headset", "microphone opened: Headset"]);
});

it("gives the kind of a shared screen and never its label, which may be a window's title", () => {
  const { events, said } = make();
  events.look({ ...NOTHING, screen: track("Letter to my doctor", "window") });
  expect(said).toEqual(["screen opened: window"]);
});

it("tells what is plugged in and out, once the browser names devices", () => {
  const { events, said } = make();
  events.list({ cameras: [{ id: "", label: "" }], microphones: [] });
  events.list({ cameras: list("a"), microphones: list("m") });
  expect(said).toEqual([]);
  events.list({ cameras: list("a", "b"), microphones: [] });
  expect(said).toEqual(["camera plugged in: b", "microphone unplugged: m"]);
  events.list({ cameras: [{ id: "", label: "" }], microphones: [] });
  expect(said).toHaveLength(2);
});
