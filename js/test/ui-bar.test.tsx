// @vitest-environment happy-dom

import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type FakeSession, person } from "../dev/fake-session";
import { overflowOf } from "../src/ui/controls";
import { reachText } from "../src/ui/invite";
import { type Entry, More } from "../src/ui/more";
import { button, buttons, has, nameOf, open, press, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

const room = (session: FakeSession) => {
  session.phase.value = "connected";
  session.enter([person("b", "Bob")]);
};

describe("sharing the screen", () => {
  test("starts and ends with the one button, and by its key", async () => {
    view = open(room);
    button(view, "Share screen").click();
    await settle();
    expect(button(view, "Share screen").getAttribute("aria-pressed")).toBe("true");
    press(select(view, ".nbrtc"), "e");
    expect(view.session.calls).toEqual([["startSharing"], ["stopSharing"]]);
  });

  test("is not offered where the browser cannot", () => {
    view = open((session) => {
      session.canShareScreen = false;
      room(session);
    });
    expect(has(view, "Share screen")).toBe(false);
    press(select(view, ".nbrtc"), "e");
    expect(view.session.calls).toEqual([]);
  });
});

describe("quality and codec", () => {
  test("auto says what is sent now and why it is no more", async () => {
    view = open((session) => {
      room(session);
      session.sending.value = {
        width: 640,
        height: 360,
        fps: 23.6,
        limitedBy: "The network carries no more.",
      };
    });
    button(view, "Quality: Medium").click();
    await settle();
    const [first] = view.cell.querySelectorAll("[role=menuitemradio]");
    expect(first?.textContent).toBe("Autoup to 1280 × 720, 30 fps");
    expect(select(view, ".nbrtc-menu-note").textContent).toBe(
      "Sent now: 640 × 360, 24 fpsThe network carries no more.",
    );
  });

  test("the codec is chosen in a group of its own", async () => {
    view = open(room);
    button(view, "Quality: Medium").click();
    await settle();
    const codecs = () =>
      [...select(view, "[aria-label=Codec]").querySelectorAll<HTMLElement>("[role=menuitemradio]")].map(
        (item) => [item.textContent, item.getAttribute("aria-checked")],
      );
    expect(codecs().map(([name]) => name)).toEqual([
      "Automaticwhat both sides do best",
      "VP8",
      "VP9",
      "H.264",
    ]);
    button(view, "VP9").click();
    await settle();
    expect(view.session.calls).toEqual([["setCodec", "vp9"]]);
    button(view, "Quality: Medium").click();
    await settle();
    expect(codecs().find(([, checked]) => checked === "true")?.[0]).toBe("VP9");
  });
});

describe("the invite", () => {
  const opened = async (inviteUrl: string) => {
    view = open((session) => {
      room(session);
      session.enter([], { inviteUrl });
    });
    button(view, "Invite").click();
    await settle();
  };
  const link = "https://calls.example.edu/r/physics-101#t=abc.def";

  test("has the link, who can use it, and a QR code", async () => {
    await opened(link);
    expect(select<HTMLInputElement>(view, "[aria-label='Invite link']").value).toBe(link);
    expect(words(view)).toContain("from every computer that reaches calls.example.edu.");
    const path = view.cell.querySelector("[role=img][aria-label^='QR code'] path:last-child");
    expect(path?.getAttribute("d")).toMatch(/^M4 4h7v1h-7z/);
  });

  test("is copied by one click, which says so", async () => {
    const copied: string[] = [];
    vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => void copied.push(text) } });
    await opened(link);
    button(view, "Copy").click();
    await settle();
    expect(copied).toEqual([link]);
    expect(select(view, ".nbrtc-invite [role=status]").textContent).toBe("Copied");
  });

  test("can be copied by hand where a page has no clipboard", async () => {
    vi.stubGlobal("navigator", {});
    const before = document.execCommand;
    document.execCommand = () => false;
    await opened(link);
    button(view, "Copy").click();
    await settle();
    document.execCommand = before;
    expect(select(view, ".nbrtc-invite [role=status]").textContent).toBe("Press Ctrl+C");
  });

  test("of this machine alone says so", async () => {
    await opened("http://127.0.0.1:8700/r/x");
    expect(words(view)).toContain("can join from this computer");
    expect(view.cell.querySelector(".nbrtc-qr")).not.toBeNull();
  });

  test("is said to be missing before the room is joined", async () => {
    await opened("");
    expect(words(view)).toContain("There is no invite link until the room is joined.");
  });

  test.each([
    ["http://localhost:1/r/x", "from this computer"],
    ["http://[::1]:1/r/x", "from this computer"],
    [
      "http://192.168.1.7:8700/r/x",
      "192.168.1.7:8700. Browsers open camera and microphone there only over https.",
    ],
    ["https://127.example.edu/r/x", "reaches 127.example.edu."],
  ])("reach of %s", (url, text) => {
    view = open();
    expect(reachText(url)).toContain(text);
  });
});

describe("a narrow bar", () => {
  const entries = ["screen", "devices", "quality", "invite", "people", "chat", "record", "statistics"].map(
    (key): Entry => ({ key, panel: { kind: "dialog", name: key, tip: key, icon: "info", body: () => key } }),
  );

  test("puts the least urgent into More, and only as many as it must", () => {
    view = open();
    expect(overflowOf(entries, 1000)).toEqual([]);
    expect(overflowOf(entries, 530)).toEqual([]);
    expect(overflowOf(entries, 400)).toEqual(["statistics", "quality", "devices", "record"]);
    expect(overflowOf(entries, 280)).toEqual([
      "statistics",
      "quality",
      "devices",
      "record",
      "invite",
      "screen",
      "people",
    ]);
    expect(overflowOf(entries, 100)).toHaveLength(entries.length);
  });

  test("More opens a panel in its own place, and Escape returns to its button", async () => {
    view = open();
    const ran: string[] = [];
    const place = document.createElement("div");
    view.cell.append(place);
    const opened = signal("");
    const record = {
      name: "Record",
      shortcut: "r",
      tip: "Record",
      icon: "record",
      pressed: false,
      striking: false,
      present: true,
      available: true,
      count: 0,
      countText: "",
      run: () => void ran.push("record"),
    } as const;
    const body = () => <input aria-label="Inside" />;
    const devices = { kind: "dialog", name: "Devices", tip: "Devices", icon: "devices", body } as const;
    render(
      <More
        opened={opened}
        entries={[
          { key: "devices", panel: devices },
          { key: "record", action: record },
        ]}
      />,
      place,
    );
    button(view, "More").click();
    await settle();
    expect(document.activeElement?.textContent).toBe("Devices");
    press(document.activeElement as Element, "ArrowDown");
    expect(document.activeElement?.textContent).toBe("Recordr");
    (document.activeElement as HTMLElement).click();
    await settle();
    expect(ran).toEqual(["record"]);
    expect(document.activeElement).toBe(button(view, "More"));
    button(view, "More").click();
    await settle();
    place.querySelector<HTMLElement>("[role=menuitem]")?.click();
    await settle();
    expect(document.activeElement).toBe(select(view, "[aria-label=Inside]"));
    press(select(view, "[aria-label=Inside]"), "Escape");
    await settle();
    expect(place.querySelector(".nbrtc-popover")).toBeNull();
    expect(document.activeElement).toBe(button(view, "More"));
    button(view, "More").click();
    await settle();
    expect(place.querySelectorAll("[role^=menuitem]")).toHaveLength(2);
    render(null, place);
  });
});

test("a wide bar of a room has all of it, by name", () => {
  view = open(room);
  expect(
    buttons(view)
      .filter((each) => each.closest(".nbrtc-bar"))
      .map(nameOf),
  ).toEqual([
    "Microphone",
    "Camera",
    "Share screen",
    "Effects",
    "Devices",
    "Quality: Medium",
    "Invite",
    "People",
    "Chat",
    "Record",
    "Statistics",
    "Leave call",
  ]);
});
