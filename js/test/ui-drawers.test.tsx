// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { chatMessage, type FakeSession, person } from "../dev/fake-session";
import type { ChatMessage } from "../src/messages";
import { bytesOf, partsOf } from "../src/ui/text-parts";
import { button, has, open, press, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  vi.useRealTimers();
  document.body.replaceChildren();
});

const bob = person("bob", "Bob");
const room = (session: FakeSession) => {
  session.phase.value = "connected";
  session.enter([bob, person("c", "Chloé", { connection: "failed", reason: "UDP is blocked." })]);
};
const say = (...messages: ChatMessage[]) => {
  view.session.chat.value = [...view.session.chat.value, ...messages];
};
const root = () => select(view, ".nbrtc");
const field = () => select<HTMLTextAreaElement>(view, "textarea");

async function openChat(): Promise<void> {
  button(view, "Chat").focus();
  button(view, "Chat").click();
  await settle();
}

async function write(text: string): Promise<void> {
  field().value = text;
  field().dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

describe("a drawer", () => {
  test.each([
    ["c", "chat"],
    ["p", "people"],
    ["s", "statistics"],
  ] as const)("%s opens %s, one at a time", async (key, drawer) => {
    view = open(room);
    view.session.drawer.value = drawer === "chat" ? "people" : "chat";
    await settle();
    press(root(), key);
    await settle();
    expect(view.session.drawer.value).toBe(drawer);
    expect(view.cell.querySelectorAll(".nbrtc-drawer, .nbrtc-statistics")).toHaveLength(1);
    press(root(), key);
    expect(view.session.drawer.value).toBeNull();
  });

  test("takes the focus, and Escape closes it and gives the focus back", async () => {
    view = open(room);
    await openChat();
    expect(document.activeElement).toBe(field());
    press(field(), "Escape");
    await settle();
    expect(view.cell.querySelector(".nbrtc-drawer")).toBeNull();
    expect(document.activeElement).toBe(button(view, "Chat"));
  });

  test("leaves the focus where it is in another view", async () => {
    view = open(room);
    const second = open(undefined, view.session);
    await openChat();
    expect(second.cell.querySelector("textarea")).not.toBeNull();
    expect(document.activeElement).toBe(field());
    second.close();
  });

  test("stays when Escape closes a panel", async () => {
    view = open(room);
    view.session.drawer.value = "people";
    await settle();
    button(view, "Devices").click();
    await settle();
    press(select(view, "select[aria-label=Camera]"), "Escape");
    expect(view.session.drawer.value).toBe("people");
    press(root(), "Escape");
    expect(view.session.drawer.value).toBeNull();
  });

  test("belongs to a room: a solo call has neither people nor chat", () => {
    view = open((session) => {
      session.phase.value = "connected";
      session.drawer.value = "chat";
    });
    expect(view.cell.querySelector(".nbrtc-drawer")).toBeNull();
    for (const name of ["People", "Chat", "Invite", "Share screen"]) expect(has(view, name)).toBe(false);
    press(root(), "p");
    press(root(), "e");
    expect(view.session.drawer.value).toBe("chat");
    expect(view.session.calls).toEqual([]);
  });

  test("of a room without chat does not open", () => {
    view = open((session) => {
      room(session);
      session.enter([], { settings: { chat: false, recording: false, listed: false } });
      session.drawer.value = "chat";
    });
    expect(view.cell.querySelector(".nbrtc-drawer")).toBeNull();
    expect(has(view, "Chat")).toBe(false);
    expect(button(view, "Record").disabled).toBe(true);
    expect(button(view, "Record").dataset).toMatchObject({ nbrtcTip: "This room allows no recording (r)" });
  });
});

describe("people", () => {
  const rows = () => [...view.cell.querySelectorAll(".nbrtc-person")].map((each) => each.textContent);

  test("are listed with their states, oneself first", async () => {
    view = open((session) => {
      room(session);
      session.drawer.value = "people";
      const bot = person("bot", "Counter", { isPython: true, status: { screenSharing: true } });
      session.enter([...session.people.value, bot], { capacity: 10 }, { receives: ["bob"] });
    });
    expect(words(view)).toContain("4 of 10 in the room physics-101");
    const [you, second, failed, bot] = rows();
    expect(you).toContain("Ada Lovelace (you)made this room");
    expect(second).toContain("Your Python receives Bob's video");
    expect(failed).toContain("Failed: UDP is blocked.");
    expect(bot).toContain("Python, without a browser");
    expect(bot).toContain("Shares the screen");
  });

  test("are pinned and tried again from the list", async () => {
    view = open((session) => {
      room(session);
      session.drawer.value = "people";
    });
    button(view, "Pin Bob").click();
    await settle();
    expect(view.session.pinned.value).toBe("bob");
    expect(button(view, "Pin Bob").getAttribute("aria-pressed")).toBe("true");
    const list = select(view, ".nbrtc-people");
    list.querySelector<HTMLButtonElement>('[aria-label="Try again with Chloé"]')?.click();
    expect(view.session.calls).toEqual([["reconnect", "c"]]);
  });

  test("are counted on the button, and so is what was not read", async () => {
    view = open(room);
    expect(button(view, "People").textContent).toBe("3");
    expect(button(view, "Chat").textContent).toBe("");
    view.session.unread.value = 2;
    await settle();
    expect(button(view, "Chat").textContent).toBe("2");
    expect(button(view, "Chat").getAttribute("aria-description")).toBe("2 unread");
  });
});

describe("the chat", () => {
  test("shows text as text, with its sender and its web addresses", async () => {
    view = open(room);
    await openChat();
    expect(words(view)).toContain("Nothing was written yet.");
    say(
      chatMessage("1", "Bob", "<b>bold</b> javascript:alert(1) https://a.example/x?y=1."),
      chatMessage("2", "Ada", "mine", { sender: "me" }),
      chatMessage("3", "Bob", "psst", { to: "me" }),
    );
    await settle();
    const texts = [...view.cell.querySelectorAll(".nbrtc-message-text")].map((each) => each.textContent);
    expect(texts[0]).toBe("<b>bold</b> javascript:alert(1) https://a.example/x?y=1.");
    const links = [...view.cell.querySelectorAll<HTMLAnchorElement>(".nbrtc-message a")];
    expect(links.map(({ href, rel }) => [href, rel])).toEqual([
      ["https://a.example/x?y=1", "noopener noreferrer"],
    ]);
    const heads = [...view.cell.querySelectorAll(".nbrtc-message-head")].map((each) => each.textContent);
    expect(heads.map((head) => head?.replace(/\d.*/, ""))).toEqual(["Bob", "You", "Bobto you"]);
  });

  test("Enter sends and empties the field, Shift+Enter and an input method do not", async () => {
    view = open(room);
    await openChat();
    await write("hello\nall");
    press(field(), "Enter", { shiftKey: true });
    press(field(), "Enter", { isComposing: true });
    expect(view.session.calls).toEqual([]);
    expect(press(field(), "Enter")).toBe(false);
    await settle();
    expect(view.session.calls).toEqual([["sendChat", "hello\nall"]]);
    expect(field().value).toBe("");
  });

  test("nothing but blanks is not sent", async () => {
    view = open(room);
    await openChat();
    await write(" \n ");
    expect(button(view, "Send").disabled).toBe(true);
    press(field(), "Enter");
    expect(view.session.calls).toEqual([]);
  });

  test("a message that the room refuses stays, with the reason", async () => {
    view = open(room);
    view.session.refusal = "The room allows five messages a second: wait a moment.";
    await openChat();
    await write("once more");
    button(view, "Send").click();
    await settle();
    expect(field().value).toBe("once more");
    expect(words(view)).toContain("Not sent: The room allows five messages a second: wait a moment.");
    view.session.drawer.value = null;
    await settle();
    await openChat();
    expect(field().value).toBe("once more");
  });

  test("says how much is left, and sends nothing that is too long", async () => {
    view = open(room);
    await openChat();
    await write("a".repeat(3000));
    expect(select(view, ".nbrtc-writer-words").textContent).toBe("");
    await write("ü".repeat(2000));
    expect(select(view, ".nbrtc-writer-words").textContent).toBe("96 bytes left.");
    await write("ü".repeat(2050));
    expect(words(view)).toContain("Too long by 4 bytes");
    press(field(), "Enter");
    expect(view.session.calls).toEqual([]);
  });

  test("follows the newest message unless the reader has scrolled up", async () => {
    view = open((session) => {
      room(session);
      session.chat.value = [chatMessage("1", "Bob", "one")];
    });
    await openChat();
    const list = select(view, ".nbrtc-messages");
    Object.defineProperties(list, {
      scrollHeight: { value: 900, configurable: true },
      clientHeight: { value: 200 },
    });
    say(chatMessage("2", "Bob", "two"));
    await settle();
    expect(list.scrollTop).toBe(900);
    list.scrollTop = 100;
    list.dispatchEvent(new Event("scroll"));
    say(chatMessage("3", "Bob", "three"));
    await settle();
    expect(list.scrollTop).toBe(100);
    button(view, "Newest").click();
    expect(list.scrollTop).toBe(900);
    list.scrollTop = 100;
    list.dispatchEvent(new Event("scroll"));
    say(chatMessage("4", "Ada", "mine", { sender: "me" }));
    await settle();
    expect(list.scrollTop).toBe(900);
  });
});

describe("toasts", () => {
  const toasts = () => [...view.cell.querySelectorAll(".nbrtc-toast")].map((each) => each.textContent);

  test("tell of new messages of others while the chat is closed, and open it", async () => {
    view = open((session) => {
      room(session);
      session.chat.value = [chatMessage("1", "Bob", "old")];
    });
    await settle();
    expect(toasts()).toEqual([]);
    say(
      chatMessage("2", "Bob", `a long\nstory ${"x".repeat(200)}`),
      chatMessage("3", "Ada", "mine", { sender: "me" }),
    );
    await settle();
    expect(toasts()).toHaveLength(1);
    expect(toasts()[0]).toMatch(/^Bob: a long story x+…$/);
    select(view, "button.nbrtc-toast").click();
    await settle();
    expect(view.session.drawer.value).toBe("chat");
    expect(toasts()).toEqual([]);
    say(chatMessage("4", "Bob", "seen at once"));
    await settle();
    expect(toasts()).toEqual([]);
  });

  test("go by themselves", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    view = open(room);
    const rendered = async () => {
      for (let round = 0; round < 4; round += 1) await vi.advanceTimersByTimeAsync(50);
    };
    await rendered();
    say(chatMessage("1", "Bob", "hello"));
    await rendered();
    expect(toasts()).toEqual(["Bob: hello"]);
    await vi.advanceTimersByTimeAsync(7000);
    await rendered();
    expect(toasts()).toEqual([]);
    say(chatMessage("2", "Bob", "again"));
    await rendered();
    view.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("web addresses in a text", () => {
  test.each([
    ["plain", ["plain"]],
    ["see https://a.example/b, or not", ["see ", "<https://a.example/b>", ", or not"]],
    ["(http://a.example)", ["(", "<http://a.example>", ")"]],
    ["https:// and ftp://a.example", ["https:// and ftp://a.example"]],
    ["javascript:alert(1)", ["javascript:alert(1)"]],
  ])("%s", (text, parts) => {
    view = open();
    const cut = partsOf(text);
    expect(cut.map((part) => (part.href === null ? part.text : `<${part.text}>`))).toEqual(parts);
    expect(cut.map((part) => part.text).join("")).toBe(text);
  });

  test("bytes are counted as the server does", () => {
    view = open();
    expect(bytesOf("aü😀")).toBe(7);
  });
});
