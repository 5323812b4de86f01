/** What a guest's separate files say about themselves; tests/unit/test_guest_recording.py composes the same example. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import example from "../../tests/data/guest-recording.json";
import { chooseDestination } from "../src/guest/recorder/destination";
import { manifestText, type Take, type Whole } from "../src/guest/recorder/manifest";
import { MemorySink } from "../src/guest/recorder/sink";
import { FakeEquipment } from "./fake-equipment";
import { FakeServer, Guest } from "./fake-server";

const FORMAT = { mimeType: "video/webm;codecs=vp8,opus", suffix: ".webm" } as const;
const picture = { width: 1280, height: 720, screens: [] };
const gus: Take = {
  ...picture,
  id: "you",
  name: "Gus",
  asked_ms: 0.4,
  file: "Gus.webm",
  start_ms: 33.33333,
  duration_ms: 1966.7,
  size_bytes: 21_000,
  left_ms: null,
};
const bob: Take = {
  ...picture,
  id: "b",
  name: "Bob",
  asked_ms: 900,
  file: "Bob-from-1-s.webm",
  start_ms: 1000,
  duration_ms: 900,
  size_bytes: 9000,
  left_ms: 1900,
  screens: [
    { time_ms: 1500, on: true },
    { time_ms: 1700, on: false },
  ],
};
const whole: Whole = {
  id: "4f9c",
  startedAt_s: 1_700_000_000.25,
  duration_ms: 2000.5,
  room: "lab",
  name: "Gus",
  error: "",
  format: FORMAT,
  takes: [gus, bob],
  leftOut: [{ id: "c", name: "Cy", asked_ms: 1200 }],
};
const read = (change: Partial<Whole> = {}) => JSON.parse(manifestText({ ...whole, ...change }));

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("is what Python reads", () => {
  expect(read()).toEqual(example);
});

test("names the codecs that the browser was asked for, or those of its container", () => {
  const codecs = (mimeType: string, suffix: ".webm" | ".mp4") => {
    const { people } = read({ format: { mimeType, suffix } });
    return [people[0].pieces[0].video_codec, people[0].pieces[0].audio_codec];
  };
  expect(codecs("video/webm;codecs=vp9,opus", ".webm")).toEqual(["VP9", "opus"]);
  expect(codecs("video/webm", ".webm")).toEqual(["VP8", "opus"]);
  expect(codecs("video/mp4;codecs=avc1.42E01F,mp4a.40.2", ".mp4")).toEqual(["H264", "aac"]);
  expect(codecs("video/mp4;codecs=avc1.42E01F,opus", ".mp4")).toEqual(["H264", "opus"]);
  expect(codecs("video/mp4", ".mp4")).toEqual(["H264", "aac"]);
});

test("has somebody once for each time they came", () => {
  const again = { ...bob, file: "Bob-2.webm", start_ms: 1950, left_ms: null };
  const { people } = read({ takes: [bob, again], leftOut: [] });
  expect(people.map(({ joined_ms, left_ms }: Record<string, number>) => [joined_ms, left_ms])).toEqual([
    [900, 1900],
    [1900, null],
  ]);
  expect(read({ takes: [] })).toMatchObject({ state: "failed", people: [{ id: "c" }] });
});

test("is written beside the files when they are complete, and not beside one picture of all", async () => {
  const server = new FakeServer();
  const equipment = new FakeEquipment();
  const guest = new Guest(server, {}, equipment);
  const seen = ["you", "Bob"];
  const isShared = { you: false, Bob: false };
  equipment.scene = () => ({
    sources: seen.map((id) => ({
      id,
      name: id === "you" ? "Gus" : id,
      video: null,
      audio: [],
      isScreen: isShared[id as "you" | "Bob"],
    })),
    speaking: null,
  });
  const beat = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms);
    equipment.beat();
    await vi.advanceTimersByTimeAsync(0);
  };
  const record = async (layout: "separate" | "grid") => {
    guest.take({ type: "start-recording", id: guest.newId(), path: "", tracks: "all", layout, suffix: "" });
    await vi.advanceTimersByTimeAsync(0);
    const id = guest.state.recording?.id ?? "";
    guest.take({ type: "recordings-shown", recordings: [id] });
    await beat();
    await beat(1500);
    server.say("participant-status", { userId: "Bob", status: { acknowledges: [id] } });
    await beat();
  };
  const stop = async () => {
    guest.take({ type: "stop-recording", id: guest.newId() });
    await vi.advanceTimersByTimeAsync(0);
    return equipment.destination;
  };
  guest.enter();
  await vi.advanceTimersByTimeAsync(0);
  server.enter("Bob");
  server.enter("Cy");
  await record("separate");
  isShared.Bob = true;
  await beat(500);
  expect(equipment.film.options.isCaptioned).toBe(false); // a film of them has the names
  const { files, written, end } = await stop();
  expect([files, end]).toEqual([["Gus.webm", "Bob-from-2-s.webm", "manifest.json"], "delivered"]);
  const found = JSON.parse((await written.get("manifest.json")?.text()) ?? "");
  expect(found).toMatchObject({ state: "complete", name: "Gus", duration_ms: 2000, error: "" });
  expect(found.events).toMatchObject([{ time_ms: 2000, peer: "Bob", name: "screen", value: "on" }]);
  const pieces = found.people.map(({ name, joined_ms, acknowledged_ms, pieces }: Record<string, unknown>) => [
    name,
    joined_ms,
    acknowledged_ms,
    (pieces as { file: string; start_ms: number; duration_ms: number }[]).map(({ file }) => file),
  ]);
  expect(pieces).toEqual([
    ["Gus", 0, 0, ["Gus.webm"]],
    ["Bob", 0, 1500, ["Bob-from-2-s.webm"]],
    ["Cy", 0, null, []],
  ]);
  expect(guest.state.recording?.files.map(({ name }) => name)).toEqual(["Gus.webm", "Bob-from-2-s.webm"]);

  await record("grid");
  expect(equipment.film.options.isCaptioned).toBe(true);
  expect((await stop()).files).toEqual([equipment.destination.path]);
  await record("separate");
  equipment.destination.refusals.set("manifest.json", new Error("No permission"));
  expect((await stop()).end).toBe("delivered");
  expect(guest.state.recording).toMatchObject({
    state: "stopped",
    note: "The files have no manifest, which could not be written (No permission).",
  });
  guest.engine.close();
});

test("among the downloads it has the recording's title before its name, and says what it is", async () => {
  const links: { download: string }[] = [];
  const types: string[] = [];
  vi.stubGlobal("document", {
    createElement: () => {
      const link = { href: "", download: "", click: () => links.push(link) };
      return link;
    },
  });
  vi.stubGlobal("window", {});
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("URL", {
    createObjectURL: ({ type }: File) => types.push(type).toString(),
    revokeObjectURL: () => undefined,
  });
  const destination = await chooseDestination("folder", "lab 2026-11-22 14-05-09", FORMAT);
  const sink = await destination?.open("manifest", ".json");
  await sink?.write(new TextEncoder().encode("{}"));
  const delivered = destination?.deliver();
  await vi.runAllTimersAsync();
  await delivered;
  expect(links.map(({ download }) => download)).toEqual(["lab 2026-11-22 14-05-09 manifest.json"]);
  expect(types).toEqual(["application/json"]);
  expect(sink).not.toBeInstanceOf(MemorySink);
});
