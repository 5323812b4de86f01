// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, person, recordingStatus } from "../dev/fake-session";
import type { RecordingChoice } from "../src/contract";
import type { RecordedFile, RecordingStatus } from "../src/messages";
import { fitted, loadChoice } from "../src/recording-choice";
import { button, buttons, has, nameOf, open, press, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
beforeEach(() => localStorage.clear());
afterEach(() => {
  view.close();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

const solo = (session: FakeSession) => {
  session.phase.value = "connected";
};
const room = (session: FakeSession) => {
  solo(session);
  session.enter([person("b", "Bob")]);
};
const guest = (session: FakeSession) => {
  room(session);
  session.hasPython = false;
};

function record(status: RecordingStatus | null, earlier: readonly RecordingStatus[] = []): void {
  view.session.state.value = callState({
    ...view.session.state.value,
    recording: status,
    recordings: earlier,
  });
}

const file = (name: string, sizeBytes: number, person = ""): RecordedFile => ({
  name,
  path: `/lessons/${name}`,
  sizeBytes,
  person,
});

const panel = () => view.cell.querySelector(".nbrtc-popover");
const fields = () =>
  [...view.cell.querySelectorAll<HTMLSelectElement>(".nbrtc-record select")].map(
    (field) => field.closest("label")?.querySelector("span")?.textContent,
  );

function choose(name: string, value: string): void {
  const labels = [...view.cell.querySelectorAll("label")];
  const field = labels.find((label) => label.querySelector("span")?.textContent === name);
  const choices = field?.querySelector("select");
  if (!choices) throw new Error(`There is no choice named ${name}.`);
  choices.value = value;
  choices.dispatchEvent(new Event("change", { bubbles: true }));
}

async function ask(prepare: (session: FakeSession) => void): Promise<void> {
  view = open(prepare);
  button(view, "Record").click();
  await settle();
}

/** What the session was asked for; that a badge is seen is another matter. */
const verbs = (shown: View) => shown.session.calls.filter(([name]) => name !== "showsRecordings");

describe("the record panel", () => {
  test("opens by r, and Enter records as the last time", async () => {
    view = open(solo);
    press(select(view, ".nbrtc"), "r");
    await settle();
    const start = button(view, "Start recording");
    expect(document.activeElement).toBe(start);
    expect(verbs(view)).toEqual([]);
    start.click();
    await settle();
    expect(verbs(view)).toEqual([["startRecording", { tracks: "all", layout: null, suffix: ".mkv" }]]);
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(button(view, "Record"));
  });

  test("of a solo call asks for the format alone", async () => {
    await ask(solo);
    expect(fields()).toEqual(["Format"]);
    expect(words(view)).toContain("A red badge is shown meanwhile.");
  });

  test("of a room asks who and how, and says what everyone sees", async () => {
    await ask(room);
    expect(fields()).toEqual(["Who", "As", "Format"]);
    expect(words(view)).toContain("Everyone sees a red badge");
    choose("As", "speaker");
    choose("Format", ".mp4");
    await settle();
    button(view, "Start recording").click();
    expect(verbs(view)).toEqual([["startRecording", { tracks: "all", layout: "speaker", suffix: ".mp4" }]]);
  });

  test("separate files have no format, and one person no layout", async () => {
    await ask(room);
    choose("As", "separate");
    await settle();
    expect(fields()).toEqual(["Who", "As"]);
    button(view, "Start recording").click();
    await settle();
    button(view, "Record").click();
    await settle();
    choose("Who", "local");
    await settle();
    expect(fields()).toEqual(["Who", "Format"]);
    button(view, "Start recording").click();
    expect(verbs(view)).toEqual([
      ["startRecording", { tracks: "all", layout: "separate", suffix: "" }],
      ["startRecording", { tracks: "local", layout: null, suffix: ".mkv" }],
    ]);
  });

  const ticks = () => [...view.cell.querySelectorAll<HTMLInputElement>(".nbrtc-record-person input")];

  test("offers everyone in the room by name, and records those who are ticked", async () => {
    await ask((session) => {
      room(session);
      session.enter([person("b", "Bob"), person("c", "Cy")]);
    });
    expect(ticks()).toEqual([]);
    choose("Who", "some");
    await settle();
    const people = select(view, "fieldset.nbrtc-record-people");
    expect(people.querySelector("legend")?.textContent).toBe("Who is recorded");
    expect([...people.querySelectorAll("label")].map(({ textContent }) => textContent)).toEqual([
      "Ada Lovelace (you)",
      "Bob",
      "Cy",
    ]);
    expect(ticks().map(({ checked }) => checked)).toEqual([true, true, true]);
    ticks()[0]?.click();
    await settle();
    expect(fields()).toEqual(["Who", "As", "Format"]);
    expect(words(view)).toContain("or who joins later, is left out.");
    ticks()[1]?.click();
    await settle();
    expect(fields()).toEqual(["Who", "Format"]); // one person needs no layout
    ticks()[2]?.click();
    await settle();
    expect(button(view, "Start recording").disabled).toBe(true);
    expect(words(view)).toContain("Tick whoever is to be recorded.");
    ticks()[1]?.click();
    ticks()[2]?.click();
    await settle();
    view.session.enter([person("c", "Cy")]); // Bob left meanwhile
    await settle();
    button(view, "Start recording").click();
    expect(verbs(view)).toEqual([["startRecording", { tracks: ["c"], layout: null, suffix: ".mkv" }]]);
    expect(loadChoice().tracks).toBe("all"); // ids are those of one call
  });

  test("remembers in this browser, and survives what it did not write", async () => {
    await ask(room);
    choose("As", "grid");
    choose("Format", ".webm");
    view.close();
    await ask(room);
    button(view, "Start recording").click();
    expect(verbs(view)).toEqual([["startRecording", { tracks: "all", layout: "grid", suffix: ".webm" }]]);
    for (const odd of ["{", "7", '{"layout":"cube","suffix":".exe","tracks":["b"]}']) {
      localStorage.setItem("nbrtc.recording", odd);
      expect(loadChoice()).toEqual({ tracks: "all", layout: null, suffix: ".mkv" });
    }
  });

  test("of the guest page lets the browser choose the format", async () => {
    await ask(guest);
    expect(fields()).toEqual(["Who", "As"]);
    expect(words(view)).toContain("It is saved on this device.");
    expect(words(view)).not.toContain("notebook");
    choose("As", "separate");
    await settle();
    button(view, "Start recording").click();
    expect(verbs(view)).toEqual([["startRecording", { tracks: "all", layout: "separate", suffix: "" }]]);
    const place = { isInRoom: true, hasPython: false, sendsH264: false };
    expect(fitted({ tracks: "all", layout: "pip", suffix: ".mp4" }, place)).toEqual({
      tracks: "all",
      layout: "pip",
      suffix: ".webm",
    });
  });

  test("makes the .mp4 of one person that was asked for, encoded only where it must be", () => {
    const place = { isInRoom: true, hasPython: true, sendsH264: false };
    const layoutOf = (tracks: RecordingChoice["tracks"], change: Partial<typeof place>) =>
      fitted({ tracks, layout: null, suffix: ".mp4" }, { ...place, ...change }).layout;
    expect(layoutOf("local", {})).toBe("pip");
    expect(layoutOf("all", { isInRoom: false })).toBe("pip");
    expect(layoutOf("local", { sendsH264: true })).toBeNull();
    expect(layoutOf("all", { isInRoom: false, sendsH264: true })).toBeNull();
    expect(layoutOf(["c"], { sendsH264: true }), "what others send is theirs to choose").toBe("pip");
    expect(layoutOf("all", {}), "of many it is encoded anyway").toBeNull();
  });

  test("is closed by Escape and by r, and the next call begins without it", async () => {
    view = open(solo);
    const root = select(view, ".nbrtc");
    press(root, "r");
    await settle();
    press(button(view, "Start recording"), "Escape");
    await settle();
    expect(panel()).toBeNull();
    press(root, "r");
    await settle();
    press(button(view, "Start recording"), "r");
    await settle();
    expect(panel()).toBeNull();
    press(root, "r");
    await settle();
    view.session.phase.value = "ready";
    await settle();
    view.session.phase.value = "connected";
    await settle();
    expect(panel()).toBeNull();
    expect(verbs(view)).toEqual([]);
  });

  test("takes the place of another one", async () => {
    view = open(solo);
    button(view, "Devices").click();
    await settle();
    press(button(view, "Devices"), "r");
    await settle();
    expect(view.cell.querySelectorAll(".nbrtc-popover")).toHaveLength(1);
    expect(document.activeElement).toBe(button(view, "Start recording"));
  });

  test("goes when a recording begins elsewhere, and the focus stays in the view", async () => {
    await ask(solo);
    record(recordingStatus());
    await settle();
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(button(view, "Record"));
  });

  test("opens inside More in a narrow bar, by r, too", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(330);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(53);
    try {
      view = open(room);
      await settle();
      expect(has(view, "Record")).toBe(false);
      press(select(view, ".nbrtc"), "r");
      await settle();
      expect(document.activeElement).toBe(button(view, "Start recording"));
      press(button(view, "Start recording"), "Escape");
      await settle();
      expect(document.activeElement).toBe(button(view, "More"));
      record(recordingStatus());
      await settle();
      button(view, "More").click();
      await settle();
      const item = [...view.cell.querySelectorAll<HTMLElement>("[role=menuitemcheckbox]")].find((each) =>
        each.textContent?.startsWith("Record"),
      );
      expect(item?.getAttribute("aria-checked")).toBe("true");
      item?.click();
      expect(verbs(view)).toEqual([["stopRecording"]]);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("while it records", () => {
  test("the button and r stop it at once", async () => {
    view = open(solo);
    record(recordingStatus());
    await settle();
    expect(button(view, "Record").getAttribute("aria-pressed")).toBe("true");
    expect(button(view, "Record").hasAttribute("aria-haspopup")).toBe(false);
    button(view, "Record").click();
    press(select(view, ".nbrtc"), "r");
    await settle();
    expect(verbs(view)).toEqual([["stopRecording"], ["stopRecording"]]);
    expect(panel()).toBeNull();
  });

  test("the line below says how long, how large, what is wrong and who is left out", async () => {
    view = open(room);
    record(
      recordingStatus({
        durationS: 83,
        sizeBytes: 12_300_000,
        note: "Only 900 MB are free.",
        people: [
          { id: "you", name: "Ada", state: "recorded" },
          { id: "b", name: "Bob", state: "left-out" },
        ],
      }),
    );
    await settle();
    const card = select(view, ".nbrtc-card").textContent;
    expect(card).toContain("Recording lesson.mkv, 1:23, 12 MB");
    expect(card).toContain("Left out until the red badge is seen there: Bob.");
    expect(card).toContain("Only 900 MB are free.");
    button(view, "Stop the recording").click();
    expect(verbs(view)).toEqual([["stopRecording"]]);
  });

  test("the list of people says how each stands in it", async () => {
    view = open((session) => {
      solo(session);
      session.enter(["b", "c", "d"].map((id) => person(id, id.toUpperCase())));
      session.drawer.value = "people";
    });
    record(
      recordingStatus({
        people: [
          { id: "you", name: "Ada", state: "recorded" },
          { id: "b", name: "B", state: "asked" },
          { id: "c", name: "C", state: "left-out" },
        ],
      }),
    );
    await settle();
    const rows = [...view.cell.querySelectorAll(".nbrtc-person")].map((row) => row.textContent ?? "");
    expect(rows[0]).toContain("You record this call");
    expect(rows[0]).toContain("In your recording");
    expect(rows[1]).toContain("waits until the red badge is seen there");
    expect(rows[2]).toContain("Left out of your recording");
    expect(rows[3]).not.toContain("recording");
  });
});

describe("afterwards", () => {
  const done = recordingStatus({
    state: "stopped",
    durationS: 200,
    sizeBytes: 48_000_000,
    files: [file("lesson.mkv", 48_000_000), file("Ada.mkv", 21e6, "you"), file("Bob.mkv", 27e6, "b")],
  });
  const card = () => view.cell.querySelector(".nbrtc-card");

  test("it says what was saved, once to a screen reader, and offers it", async () => {
    view = open(room);
    record(done);
    await settle();
    expect(card()?.querySelector(".nbrtc-card-text")?.textContent).toBe("Saved lesson.mkv, 3:20, 48 MB");
    expect(select(view, ".nbrtc-card + [role=status]").textContent).toBe("Saved lesson.mkv, 3:20, 48 MB");
    button(view, "Download lesson.mkv").click();
    button(view, "Download Bob.mkv").click();
    expect(verbs(view)).toEqual([
      ["download", "r1", "lesson.mkv"],
      ["download", "r1", "Bob.mkv"],
    ]);
  });

  test("one file of one person needs no list", async () => {
    view = open(solo);
    record({ ...done, files: [file("lesson.mkv", 48_000_000, "you")] });
    await settle();
    expect(has(view, "Download lesson.mkv")).toBe(true);
    expect(card()?.querySelector("details")).toBeNull();
  });

  test("one person's file is not offered twice, here or among the earlier ones", async () => {
    view = open(solo);
    const twice = { ...done, files: [file("lesson.mkv", 48_000_000), file("You.mkv", 48_000_000, "you")] };
    record(twice);
    await settle();
    expect(card()?.querySelector("details")).toBeNull();
    button(view, "Record").click();
    await settle();
    expect(buttons(view).map(nameOf)).not.toContain("Download You.mkv");
    expect(buttons(view).filter((each) => nameOf(each) === "Download lesson.mkv")).toHaveLength(2);
  });

  test("a folder is named with its files", async () => {
    view = open(room);
    record({ ...done, path: "C:\\calls\\lesson", files: done.files.slice(1) });
    await settle();
    expect(card()?.querySelector(".nbrtc-card-text")?.textContent).toBe(
      "Saved 2 files in lesson, 3:20, 48 MB",
    );
    expect(card()?.querySelector("summary")?.textContent).toBe("Show the files");
    expect(buttons(view).map(nameOf)).toContain("Download Ada.mkv");
  });

  test("putting it together has a progress bar", async () => {
    view = open(room);
    record({ ...done, state: "composing", composedFraction: 0.426, files: done.files.slice(1) });
    await settle();
    expect(card()?.textContent).toContain("Putting lesson.mkv together: 42 %");
    const bar = select<HTMLProgressElement>(view, "progress[aria-label='Putting lesson.mkv together']");
    expect([bar.value, bar.max]).toEqual([0.426, 1]);
    expect(select(view, ".nbrtc-card + [role=status]").textContent).toBe("Putting lesson.mkv together.");
  });

  test("a failure says why, and an empty one that there is nothing", async () => {
    view = open(room);
    record({ ...done, state: "failed", error: "The disk is full.", files: [] });
    await settle();
    expect(card()?.textContent).toContain("lesson.mkv: The disk is full.");
    record({ ...done, state: "failed", error: "lesson.mkv could not be made.", files: done.files.slice(1) });
    await settle();
    expect(select(view, ".nbrtc-card-text").textContent).toBe("lesson.mkv could not be made.");
    record({ ...done, sizeBytes: 0, files: [] });
    await settle();
    expect(card()?.textContent).toContain("Nobody was recorded: there is no file.");
  });

  test("what ran when the kernel ended has no badge and nothing to press but to dismiss it", async () => {
    view = open(room);
    const cut = recordingStatus({
      id: "r1",
      path: "/calls/x.mkv",
      folder: "/calls/x.mkv.tracks",
      files: [file("Ada.mkv", 3)],
    });
    record(cut);
    await settle();
    expect(view.cell.querySelector(".nbrtc-badge")).not.toBeNull();
    view.session.phase.value = "no-kernel";
    await settle();
    expect(view.cell.querySelector(".nbrtc-badge")).toBeNull();
    expect(select(view, ".nbrtc-card-text").textContent).toBe(
      "x.mkv: what was recorded is in /calls/x.mkv.tracks.",
    );
    expect(has(view, "Download Ada.mkv")).toBe(false);
    button(view, "Dismiss x.mkv").click();
    await settle();
    expect(card()).toBeNull();
  });

  test("what waits for a page that was reloaded can be ended from the card", async () => {
    view = open((session) => {
      session.phase.value = "ready";
    });
    const note = "The page was closed or reloaded: join the call again within 60 s.";
    record(recordingStatus({ id: "r1", note }));
    await settle();
    expect(select(view, ".nbrtc-card-line").textContent).toBe(note);
    button(view, "Stop the recording").click();
    expect(verbs(view)).toEqual([["stopRecording"]]);
    view.session.phase.value = "elsewhere"; // another window has it, and stops it
    await settle();
    expect(has(view, "Stop the recording")).toBe(false);
  });

  test("a disk that is nearly full is said once, and no longer than it is so", async () => {
    view = open(room);
    const text = "The disk has only 3 MB left.";
    record(recordingStatus({ id: "r1", note: text }));
    view.session.notices.value = [{ key: "recording-space", level: "warning", text }];
    await settle();
    expect(view.cell.querySelector(".nbrtc-notice")).toBeNull();
    expect(select(view, ".nbrtc-card-line").textContent).toBe(text);
    expect(select(view, ".nbrtc-card + [role=status]").textContent).toBe(text);
    record(done);
    await settle();
    expect(words(view)).not.toContain(text);
  });

  test("is dismissed in all views, and the Record button still lists it with the earlier ones", async () => {
    view = open(room);
    record(done, [recordingStatus({ id: "r0", state: "stopped", files: [file("old.webm", 5e6)] })]);
    await settle();
    button(view, "Dismiss lesson.mkv").focus();
    button(view, "Dismiss lesson.mkv").click();
    await settle();
    expect(card()).toBeNull();
    expect(document.activeElement).toBe(select(view, ".nbrtc")); // and not the notebook
    const other = open(undefined, view.session);
    expect(other.cell.querySelector(".nbrtc-card")).toBeNull();
    other.close();
    button(view, "Record").click();
    await settle();
    button(view, "Download old.webm").click();
    button(view, "Download lesson.mkv").click();
    expect(verbs(view)).toEqual([
      ["download", "r0", "old.webm"],
      ["download", "r1", "lesson.mkv"],
    ]);
    record(recordingStatus({ id: "r2" }), [done]);
    await settle();
    expect(card()?.textContent).toContain("Recording lesson.mkv");
  });

  test("a download shows how far it is, can be stopped, and says when it is there", async () => {
    view = open(solo);
    record({ ...done, files: [file("lesson.mkv", 48_000_000)] });
    await settle();
    button(view, "Download lesson.mkv").focus();
    const download = { recording: "r1", file: "lesson.mkv", sizeBytes: 100, receivedBytes: 40 };
    view.session.downloads.value = [download];
    await settle();
    const bar = select<HTMLProgressElement>(view, "progress[aria-label='Saving lesson.mkv']");
    expect([bar.value, bar.max]).toEqual([40, 100]);
    const stop = button(view, "Stop saving lesson.mkv");
    expect(document.activeElement).toBe(stop);
    stop.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 2 })); // of a double click on Download
    expect(verbs(view)).toEqual([]);
    stop.click();
    await settle();
    expect(button(view, "Download lesson.mkv").textContent).toBe("Download");
    view.session.downloads.value = [{ ...download, receivedBytes: 100 }];
    await settle();
    view.session.downloads.value = [];
    await settle();
    expect(button(view, "Download lesson.mkv").textContent).toBe("Saved");
    expect(verbs(view)).toEqual([["cancelDownload", "r1", "lesson.mkv"]]);
  });

  test("a guest's files have saved themselves", async () => {
    view = open(guest);
    record({ ...done, files: [{ ...file("call.webm", 48_000_000), path: "" }] });
    await settle();
    expect(card()?.textContent).toContain("Saved call.webm, 3:20, 48 MB");
    expect(buttons(view).filter((each) => nameOf(each).startsWith("Download"))).toEqual([]);
  });

  test("stays on the card after the call", async () => {
    view = open(solo);
    record(done);
    view.session.phase.value = "ready";
    await settle();
    expect(has(view, "Download lesson.mkv")).toBe(true);
  });
});
