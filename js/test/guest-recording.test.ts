/** A recording of the guest page from the click to the files, by intents and states; media and disk are fakes. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Source } from "../src/guest/recorder/source";
import type { RecordingLayout, StartRecording } from "../src/messages";
import { FakeEquipment } from "./fake-equipment";
import { FakeServer, Guest } from "./fake-server";

let server: FakeServer;
let equipment: FakeEquipment;
let guest: Guest;
/** Everybody whom the page sees, consent or not. */
let seen: string[];

beforeEach(async () => {
  vi.useFakeTimers();
  server = new FakeServer();
  equipment = new FakeEquipment();
  guest = new Guest(server, {}, equipment);
  seen = ["you"];
  equipment.scene = () => ({ sources: seen.map(source), speaking: null });
  guest.enter();
  await settled();
});
afterEach(() => {
  guest.engine.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const settled = () => vi.advanceTimersByTimeAsync(0);
const source = (id: string): Source => ({
  id,
  name: id,
  video: null,
  audio: [{} as MediaStreamTrack],
  isScreen: false,
});
const come = (id: string) => {
  seen.push(id);
  server.enter(id);
};
const go = (id: string) => {
  seen = seen.filter((other) => other !== id);
  server.leave(id);
};
const confirm = (id: string, recording = recordingId()) =>
  server.say("participant-status", { userId: id, status: { acknowledges: [recording] } });
const shows = (...recordings: string[]) => guest.take({ type: "recordings-shown", recordings });
const recordingId = () => guest.state.recording?.id ?? "";
const told = () => server.of("participant-status").at(-1)?.status;
const people = () => guest.state.recording?.people.map(({ id, state }) => `${id} ${state}`);

async function start(layout: RecordingLayout | null = null, tracks: StartRecording["tracks"] = "all") {
  const id = guest.newId();
  guest.take({ type: "start-recording", id, path: "", tracks, layout, suffix: "" });
  await settled();
  return guest.reply(id);
}
async function stop() {
  const id = guest.newId();
  guest.take({ type: "stop-recording", id });
  await settled();
  return guest.reply(id);
}
/** The state once a second is the recording's clock; each beat is one picture. */
async function beat(ms = 0) {
  await vi.advanceTimersByTimeAsync(ms);
  equipment.beat();
  await settled();
}

describe("before anything is written", () => {
  test("the room is told which recording it is, and each is asked", async () => {
    come("ada");
    expect((await start())?.errorCode).toBeNull();
    expect(told()).toMatchObject({ recording: true, recordingId: recordingId() });
    expect(people()).toEqual(["you asked", "ada asked"]);
    await beat(100);
    expect(equipment.films).toEqual([]);
    expect(guest.state.recorded).toEqual([]);
  });

  test("a room that forbids it, a page outside, and a browser that cannot refuse in words", async () => {
    equipment.isSupported = false;
    expect((await start())?.errorMessage).toContain("This browser cannot record");
    guest.take({ type: "leave", reason: "", mayReturn: false });
    expect((await start())?.errorMessage).toBe("Join the room first.");
    guest = new Guest(new ForbiddingServer(), {}, equipment);
    guest.enter();
    await settled();
    expect((await start())?.errorMessage).toBe(
      "This room does not allow recording: its creator switched it off.",
    );
    expect(equipment.destinations).toEqual([]);
  });

  test("whoever chooses no file records nothing, and may begin again", async () => {
    equipment.isDeclined = true;
    expect((await start())?.errorCode).toBeNull();
    expect(guest.state.recording).toBeNull();
    expect(server.of("participant-status")).toEqual([]);
    equipment.isDeclined = false;
    await start();
    expect(guest.state.recording?.state).toBe("recording");
  });

  test("a file that is chosen after the call ended is not kept", async () => {
    let choose: () => void = () => undefined;
    equipment.chooses = new Promise((resolve) => {
      choose = resolve;
    });
    await start();
    expect((await start())?.errorMessage).toBe("A recording runs already: stop it first.");
    guest.take({ type: "leave", reason: "", mayReturn: false });
    choose();
    await settled();
    expect(guest.state.recording).toBeNull();
    expect(equipment.destination.end).toBe("discarded");
  });

  test("the badge's absence to the end is no recording", async () => {
    await start();
    await beat(3_000);
    await stop();
    expect(guest.state.recording).toMatchObject({ state: "stopped", files: [], sizeBytes: 0 });
    expect(people()).toEqual(["you left-out"]);
    expect(equipment.destination.end).toBe("discarded");
    expect(equipment.openStudios).toBe(0);
  });
});

describe("one picture of all", () => {
  test("shows whoever confirmed, from then on, and nobody else", async () => {
    come("ada");
    come("bob");
    await start("grid");
    shows(recordingId());
    await beat();
    confirm("ada");
    await beat();
    await beat(2_000);
    expect(people()).toEqual(["you recorded", "ada recorded", "bob left-out"]);
    confirm("bob", "another");
    await beat();
    confirm("bob");
    await beat();
    expect(equipment.films.length).toBe(1);
    expect(equipment.film.drawn).toEqual([
      ["you"],
      ["you", "ada"],
      ["you", "ada"],
      ["you", "ada"],
      ["you", "ada", "bob"],
    ]);
    expect(equipment.film.options.layout).toBe("grid");
    expect(equipment.watched).toEqual(["you", "ada", "bob"]);
    expect([...guest.state.recorded].sort()).toEqual(["ada", "bob", "you"]);
  });

  test("time, size and file are told, and the room that it ended", async () => {
    await start();
    shows(recordingId());
    await beat();
    await beat(2_500);
    expect(guest.state.recording).toMatchObject({
      state: "recording",
      durationS: 2.5,
      sizeBytes: 1000,
      files: [],
    });
    const id = recordingId();
    expect((await stop())?.errorCode).toBeNull();
    const { path } = equipment.destination;
    expect(path).toMatch(/^lab \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.webm$/);
    expect(guest.state.recording).toMatchObject({
      id,
      path,
      state: "stopped",
      error: null,
      durationS: 2.5,
      files: [{ name: path, path: "", sizeBytes: 1000, person: "" }],
    });
    expect(told()).toMatchObject({ recording: false, recordingId: "" });
    expect([equipment.film.isStopped, equipment.destination.end, equipment.openStudios]).toEqual([
      true,
      "delivered",
      0,
    ]);
    expect(guest.state.recorded).toEqual([]);
  });

  test("the next one is another recording; the last five are remembered", async () => {
    const ids: string[] = [];
    for (let number = 0; number < 7; number += 1) {
      await start();
      ids.unshift(recordingId());
      shows(recordingId());
      await beat();
      expect((await start())?.errorMessage).toBe("A recording runs already: stop it first.");
      await stop();
      expect((await stop())?.errorCode).toBeNull();
    }
    expect(guest.state.recordings.map(({ id }) => id)).toEqual(ids.slice(1, 6));
    expect(equipment.films.length).toBe(7);
  });

  test("only oneself, where only oneself was asked for", async () => {
    come("ada");
    await start(null, "local");
    shows(recordingId());
    confirm("ada");
    await beat();
    expect(equipment.film.drawn).toEqual([["you"]]);
    expect(equipment.watched).toEqual(["you"]);
    expect(people()).toEqual(["you recorded"]);
  });
});

test("only those who were chosen are asked, whoever comes meanwhile", async () => {
  come("ada");
  come("bob");
  await start(null, ["you", "bob"]);
  shows(recordingId());
  confirm("ada");
  confirm("bob");
  come("cy");
  confirm("cy");
  await beat();
  expect(equipment.film.drawn).toEqual([["you", "bob"]]);
  expect(people()).toEqual(["you recorded", "bob recorded"]);
});

describe("a file for each", () => {
  test("begins when somebody confirms and ends when they leave; who comes again gets another", async () => {
    come("Bob");
    await start("separate");
    shows(recordingId());
    confirm("Bob");
    await beat();
    expect(equipment.destination.files).toEqual(["you.webm", "Bob.webm"]);
    expect(equipment.films.map(({ drawn }) => drawn)).toEqual([[["you"]], [["Bob"]]]);
    go("Bob");
    await beat(12_000);
    expect(equipment.films.map(({ isStopped }) => isStopped)).toEqual([false, true]);
    come("Bob");
    confirm("Bob");
    await beat();
    expect(equipment.destination.files).toEqual(["you.webm", "Bob.webm", "Bob-from-12-s.webm"]);
    await stop();
    expect(guest.state.recording?.files.map(({ name, person }) => [name, person])).toEqual([
      ["Bob.webm", "Bob"],
      ["you.webm", "you"],
      ["Bob-from-12-s.webm", "Bob"],
    ]);
    expect(equipment.films.every(({ isStopped }) => isStopped)).toBe(true);
  });

  test("goes on, without picture and sound, while somebody's connection is away", async () => {
    come("Bob");
    await start("separate");
    confirm("Bob");
    await beat();
    seen = ["you"];
    await beat();
    seen = ["you", "Bob"];
    await beat();
    expect(equipment.films.length).toBe(1);
    expect(equipment.film.drawn).toEqual([["Bob"], ["(Bob)"], ["Bob"]]);
  });
});

describe("what goes wrong", () => {
  const begun = async () => {
    await start();
    shows(recordingId());
    await beat();
  };

  test("a film that fails ends the recording with its words, and keeps what there is", async () => {
    await begun();
    equipment.film.options.onProblem("The disk is full.");
    await settled();
    expect(guest.state.recording).toMatchObject({ state: "failed", error: "The disk is full." });
    expect(guest.state.recording?.files.length).toBe(1);
    expect(equipment.destination.end).toBe("delivered");
    expect(told()).toMatchObject({ recording: false });
    expect(guest.state.phase).toBe("connected");
  });

  test("a film that cannot even be ended does not keep the recording from its end", async () => {
    await begun();
    equipment.film.stop = () => Promise.reject(new Error("it is inactive"));
    await stop();
    expect(guest.state.recording).toMatchObject({
      state: "failed",
      error: "A film could not be completed (it is inactive).",
    });
    expect([equipment.destination.end, equipment.openStudios]).toEqual(["delivered", 0]);
  });

  test("a film of somebody who left and that cannot be ended is said with the others at the end", async () => {
    come("Bob");
    await start("separate");
    shows(recordingId());
    confirm("Bob");
    await beat();
    equipment.film.stop = () => Promise.reject(new Error("it is inactive"));
    go("Bob");
    await beat();
    expect(guest.state.recording?.state).toBe("recording");
    await stop();
    expect(guest.state.recording?.error).toBe("A film could not be completed (it is inactive).");
  });

  test("little space is said, and less of it ends the recording", async () => {
    await begun();
    equipment.free = 300e6;
    await beat(5_000);
    await beat(1_000);
    expect(guest.state.recording?.note).toBe("Only 300 MB are left for the recording on this device.");
    equipment.free = 20e6;
    await beat(5_000);
    expect(guest.state.recording).toMatchObject({ state: "failed" });
    expect(guest.state.recording?.error).toContain("only 20 MB are left");
  });

  test("what could not be saved is said", async () => {
    await begun();
    equipment.destination.delivery = () => Promise.reject(new Error("No permission"));
    await stop();
    expect(guest.state.recording).toMatchObject({ state: "failed" });
    expect(guest.state.recording?.error).toContain("could not be saved (No permission)");
  });

  test("where it went instead is a note", async () => {
    await begun();
    equipment.destination.delivery = async () => "It is among your downloads.";
    await stop();
    expect(guest.state.recording).toMatchObject({ state: "stopped", note: "It is among your downloads." });
  });

  test("leaving stops and saves", async () => {
    await begun();
    guest.take({ type: "leave", reason: "The person left.", mayReturn: false });
    await settled();
    expect(guest.state).toMatchObject({ phase: "idle", recording: { state: "stopped" } });
    expect(equipment.destination.end).toBe("delivered");
    expect(guest.state.recording?.people).toEqual([{ id: "you", name: "Gus", state: "recorded" }]);
  });

  test("a room that closes on this page stops and saves", async () => {
    await begun();
    server.say("error", { code: "already-in-room", message: "Taken." });
    server.cut();
    await settled();
    expect(guest.state.recording?.state).toBe("stopped");
  });

  test("a server that goes away does not", async () => {
    await begun();
    server.isUp = false;
    server.cut();
    await beat(3_000);
    expect(guest.state.recording?.state).toBe("recording");
    server.isUp = true;
    await beat(3_000);
    expect(server.of("join-room").at(-1)?.status).toMatchObject({ recordingId: recordingId() });
  });

  test("the page that goes leaves what was written for the next visit", async () => {
    await begun();
    guest.engine.close();
    await settled();
    expect(equipment.destination.end).toBe("closed");
    expect([equipment.film.isStopped, equipment.openStudios]).toEqual([true, 0]);
  });
});

describe("recordings of others", () => {
  test("the badges that this page shows are confirmed, each time when they change", () => {
    shows("r1");
    expect(told()).toMatchObject({ acknowledges: ["r1"], recording: false, recordingId: "" });
    shows("r1");
    shows();
    expect(
      server
        .of("participant-status")
        .map(({ status }) => (status as { acknowledges: string[] }).acknowledges),
    ).toEqual([["r1"], []]);
  });

  test("what others record is known with its id", () => {
    server.enter("ada");
    const status = { recording: true, recordingId: "r7", acknowledges: ["r7", 3] };
    server.say("participant-status", { userId: "ada", status });
    expect(guest.state.participants.find(({ id }) => id === "ada")?.status).toMatchObject({
      recording: true,
      recordingId: "r7",
      acknowledges: ["r7"],
    });
  });

  test("a guest's files are not read by chunks", () => {
    guest.take({ type: "read-recording", id: "x", recording: "r", file: "f", offset: 0 });
    expect(guest.reply("x")).toMatchObject({ errorCode: "invalid" });
  });
});

/** A server whose rooms may not be recorded. */
class ForbiddingServer extends FakeServer {
  constructor() {
    super();
    this.settings = { recording: false };
  }
}
