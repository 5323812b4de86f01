import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { JOIN_MS, OPENING_MS, RETURN_MS } from "../src/guest/member";
import { SignalingError } from "../src/guest/socket";
import { PROTOCOL } from "../src/messages";
import { FakeServer, Guest, PAGE } from "./fake-server";

let server: FakeServer;
let guest: Guest;
beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  guest = new Guest(server);
});
afterEach(() => {
  guest.engine.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const settled = () => vi.advanceTimersByTimeAsync(0);
const media = (change = {}) =>
  ({
    type: "media",
    cameraOn: true,
    microphoneOn: true,
    camera: null,
    screenSharing: false,
    ...change,
  }) as const;

describe("before the click", () => {
  test("hello is answered without a word to the server", () => {
    guest.take({ type: "hello", protocol: PROTOCOL });
    const welcome = guest.of("welcome")[0];
    expect(welcome?.state.room).toMatchObject({ id: "lab", phase: "outside" });
    expect(welcome?.qualities.map(({ name }) => name)).toEqual(["auto", "low", "medium", "high"]);
    expect(welcome?.state.participants.map(({ name }) => name)).toEqual(["Gus"]);
    expect(server.auths).toEqual([]);
  });

  test("a room is named on the card, with a passcode, and remembered", async () => {
    guest = new Guest(server, { room: "" });
    guest.take({ type: "hello", protocol: PROTOCOL });
    expect(guest.of("welcome")[0]?.state.room).toBeNull();
    const refused = guest.enter();
    expect(guest.reply(refused)?.errorMessage).toBe("Name the room that you want to enter.");
    guest.take({ type: "enter-room", id: "e1", room: "Physics 101", name: " Ada ", passcode: "open" });
    expect(guest.reply("e1")?.errorCode).toBeNull();
    expect(guest.chosen).toEqual([["Physics-101", "Ada"]]);
    expect(guest.names).toEqual(["Ada"]);
    guest.enter();
    await settled();
    expect(server.auths).toEqual([{ passcode: "open" }]);
    expect(server.of("join-room")[0]).toMatchObject({ roomId: "Physics-101", userName: "Ada", create: true });
  });

  test.each([
    ["../etc", '"../etc" has others'],
    ["a".repeat(65), "1 to 64 letters"],
    [null, "Name the room"],
  ])("the name %s is refused in words", (room, words) => {
    guest.take({ type: "enter-room", id: "e1", room, name: "Ada", passcode: null });
    expect(guest.reply("e1")).toMatchObject({
      errorCode: "invalid",
      errorMessage: expect.stringContaining(words),
    });
  });

  test("a token is shown to its own room's server only for that room", async () => {
    guest = new Guest(server, { token: "secret", mustExist: true });
    server.enter("ada");
    guest.enter();
    await settled();
    expect(server.auths).toEqual([{ token: "secret" }]);
    guest.take({ type: "leave", reason: "", mayReturn: false });
    guest.take({ type: "enter-room", id: "e1", room: "other", name: "Ada", passcode: null });
    guest.enter();
    await settled();
    expect(server.auths.at(-1)).toEqual({});
  });
});

describe("in the room", () => {
  test("joining is answered once one is inside, and the first state has everybody", async () => {
    server.enter("ada");
    const id = guest.enter();
    expect(guest.state).toMatchObject({ phase: "connecting", owner: PAGE });
    expect(guest.reply(id)).toBeUndefined();
    await settled();
    expect(guest.reply(id)?.errorCode).toBeNull();
    const inside = guest.of("state").find(({ room }) => room?.phase === "joined");
    expect(inside?.participants.map(({ name, isYou }) => [name, isYou])).toEqual([
      ["ada", false],
      ["Gus", true],
    ]);
    expect(inside).toMatchObject({ phase: "connected", owner: PAGE });
    expect(inside?.room).toMatchObject({
      me: inside?.participants[1]?.id,
      inviteUrl: "http://localhost/r/lab#token=x",
      settings: { chat: true, recording: true },
    });
  });

  test("an intent that comes twice is carried out once, and answered twice", async () => {
    const id = guest.enter();
    await settled();
    guest.take({ type: "enter", id, takeOver: false });
    await settled();
    expect(server.of("join-room").length).toBe(1);
    expect(guest.of("reply").length).toBe(2);
  });

  test("others come, change and go", async () => {
    guest.enter();
    await settled();
    server.enter("ada");
    server.say("participant-status", {
      userId: "ada",
      status: { muted: true, receives: ["x"] },
      connected: false,
    });
    expect(guest.state.participants[1]).toMatchObject({
      name: "ada",
      isConnected: false,
      status: { muted: true, videoOff: false, receives: ["x"] },
    });
    guest.take({ type: "peer-status", peer: "ada", state: "connected", reason: "" });
    expect(guest.state.participants[1]?.connection).toBe("connected");
    server.leave("ada");
    expect(guest.names).toEqual(["Gus"]);
  });

  test("what the page sends is told to the others, the newest once", async () => {
    guest.enter();
    await settled();
    guest.take(media());
    guest.take(media());
    guest.take(media({ cameraOn: false, screenSharing: true }));
    const quiet = { recording: false, receives: [], recordingId: "", acknowledges: [] };
    expect(server.of("participant-status").map(({ status }) => status)).toEqual([
      { muted: false, videoOff: false, screenSharing: false, ...quiet },
      { muted: false, videoOff: false, screenSharing: true, ...quiet },
    ]);
    expect(guest.state).toMatchObject({ cameraOn: false, screenSharing: true });
  });

  test("signals go to whom they are for, and come from whom they are", async () => {
    guest.enter();
    await settled();
    const description = { type: "offer", sdp: "v=0" } as const;
    const candidate = { candidate: "c", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
    const signal = { type: "peer-signal", peer: "ada", candidate: null, description: null } as const;
    guest.take({ ...signal, generation: 2, description });
    guest.take({ ...signal, generation: null, candidate });
    expect(server.of("offer")).toEqual([{ to: "ada", generation: 2, offer: description }]);
    expect(server.of("ice-candidate")).toEqual([{ to: "ada", candidate }]);
    server.say("answer", { from: "ada", answer: { type: "answer", sdp: "v=0" }, generation: 2 });
    server.say("ice-candidate", { from: "ada", candidate: null });
    server.say("offer", { from: "ada", offer: { type: "answer", sdp: "v=0" } });
    server.say("offer", "nonsense");
    expect(guest.of("peer-signal")).toEqual([
      { ...signal, generation: 2, description: { type: "answer", sdp: "v=0" } },
      {
        ...signal,
        generation: null,
        candidate: { candidate: "", sdpMid: null, sdpMLineIndex: null, usernameFragment: null },
      },
    ]);
  });

  test("one's own message comes back whole, those of others once", async () => {
    guest.enter();
    await settled();
    guest.take({ type: "send-chat", id: "c1", text: "hello", to: null });
    await settled();
    expect(guest.reply("c1")?.errorCode).toBeNull();
    const message = { id: "m9", from: "ada", userName: "Ada", message: "<b>hi</b>", timestamp: 5 };
    server.say("chat-message", message);
    server.say("chat-message", message);
    expect(guest.of("chat").flatMap(({ messages }) => messages.map(({ text }) => text))).toEqual([
      "hello",
      "<b>hi</b>",
    ]);
    server.refusals = [new SignalingError("not-allowed", "The chat of this room is switched off.")];
    guest.take({ type: "send-chat", id: "c2", text: "more", to: null });
    await settled();
    expect(guest.reply("c2")?.errorMessage).toBe("The chat of this room is switched off.");
  });

  test("quality and codec are set here", async () => {
    guest.enter();
    await settled();
    const low = { width: 640, height: 480, fps: 15, name: "low", bitrateBps: 0 };
    guest.take({ type: "set-quality", id: "q", quality: low });
    guest.take({ type: "set-codec", id: "c", codec: "vp9" });
    expect(guest.of("apply-quality")[0]?.quality).toMatchObject({ name: "low", bitrateBps: 600_000 });
    expect(guest.state).toMatchObject({ codec: "vp9", quality: { name: "low" } });
  });

  test("leaving is told to the room, and the next joining is somebody new", async () => {
    guest.enter();
    await settled();
    const first = guest.state.room?.me;
    guest.take({ type: "leave", reason: "The person left.", mayReturn: false });
    expect(server.of("leave-room").length).toBe(1);
    expect(server.isConnected).toBe(false);
    expect(guest.state).toMatchObject({ phase: "idle", owner: null, reason: "The person left." });
    guest.enter();
    await settled();
    expect(guest.state.room?.me).not.toBe(first);
  });
});

describe("refused", () => {
  test("the reason stands in the reply and in the state", async () => {
    server.refusals = [new SignalingError("wrong-passcode", "The room asks for its passcode.")];
    const id = guest.enter();
    await settled();
    expect(guest.reply(id)).toMatchObject({ errorCode: "wrong-passcode" });
    expect(guest.state).toMatchObject({ phase: "failed", owner: null });
    expect(guest.state.room).toMatchObject({
      phase: "refused",
      code: "wrong-passcode",
      reason: "The room asks for its passcode.",
    });
    expect(server.isConnected).toBe(false);
    expect(guest.of("bye")).toEqual([]);
  });

  test("an invitation's room that is not open is waited for, and not made anew", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    const id = guest.enter();
    await settled();
    expect(guest.reply(id)?.errorCode).toBeNull(); // whoever asked is not to think that nobody answers
    expect(guest.state).toMatchObject({
      phase: "connecting",
      room: { phase: "joining", code: "room-not-found" },
    });
    expect(guest.state.room?.reason).toMatch(
      /^The room "lab" is not open: .* as soon as somebody opens it\.$/,
    );

    await vi.advanceTimersByTimeAsync(60_000);
    server.isUp = false; // and goes on over a server that is away for a while
    await vi.advanceTimersByTimeAsync(60_000);
    server.isUp = true;
    server.enter("ada");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(guest.state).toMatchObject({ phase: "connected", room: { phase: "joined", reason: "" } });
    expect(guest.names).toEqual(["ada", "Gus"]);
    expect(guest.of("reply").filter((reply) => reply.id === id).length).toBe(1);
  });

  test("a room that nobody opens is waited for fifteen minutes", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    guest.enter();
    await vi.advanceTimersByTimeAsync(OPENING_MS + 3_000);
    expect(guest.state).toMatchObject({ phase: "failed", room: { phase: "refused" } });
    expect(guest.of("bye")).toMatchObject([
      { code: "lost", reason: "There is no such room.", recover: false },
    ]);
  });

  test("who waits can leave", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    guest.enter();
    await settled();
    guest.take({ type: "leave", reason: "", mayReturn: false });
    const tried = server.auths.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.auths.length).toBe(tried);
    expect(guest.state.room?.phase).toBe("outside");
  });

  test("who waits is refused at once where the room does not take them", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    guest.enter();
    await settled();
    server.refusals = [new SignalingError("wrong-passcode", "The room asks for its passcode.")];
    await vi.advanceTimersByTimeAsync(3_000);
    expect(guest.state.room).toMatchObject({ phase: "refused", code: "wrong-passcode" });
    expect(guest.of("bye")).toMatchObject([{ reason: "The room asks for its passcode." }]);
  });

  test("no server within ten seconds is said, with the reason", async () => {
    server.isUp = false;
    const id = guest.enter();
    await vi.advanceTimersByTimeAsync(JOIN_MS - 2_500);
    expect(guest.reply(id)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(guest.reply(id)).toMatchObject({ errorCode: "unreachable" });
    expect(guest.state.room?.phase).toBe("refused");
  });

  test("leaving while the server does not answer ends the attempts", async () => {
    server.isUp = false;
    guest.enter();
    await settled();
    guest.take({ type: "leave", reason: "", mayReturn: false });
    const tried = server.auths.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.auths.length).toBe(tried);
    expect(guest.state.room?.phase).toBe("outside");
  });
});

describe("a lost line", () => {
  const inside = async () => {
    server.enter("ada");
    guest.enter();
    await settled();
  };

  test("the seat is taken again with the token, and what was said meanwhile is sent after", async () => {
    await inside();
    const me = guest.state.room?.me;
    server.isUp = false;
    server.cut();
    expect(guest.state.room).toMatchObject({ phase: "reconnecting", code: "unreachable" });
    expect(guest.state.phase).toBe("connected");
    expect(guest.names).toEqual(["ada", "Gus"]);
    const candidate = { candidate: "c", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
    guest.take({ type: "peer-signal", peer: "ada", generation: 1, description: null, candidate });
    guest.take(media());
    await vi.advanceTimersByTimeAsync(8_000);
    expect(server.of("ice-candidate")).toEqual([]);
    server.isUp = true;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(guest.state.room).toMatchObject({ phase: "joined", me, reason: "" });
    expect(server.of("join-room").at(-1)).toMatchObject({ userId: me, resumeToken: "token 1" });
    expect(server.of("ice-candidate").length).toBe(1);
    expect(server.of("join-room").at(-1)?.status).toMatchObject({ muted: false });
  });

  test("after a restart the room is made again as it was, and nobody is given up who comes back", async () => {
    await inside();
    server.enter("bob");
    const me = guest.state.room?.me;
    server.restart();
    await vi.advanceTimersByTimeAsync(400);
    expect(server.of("join-room").at(-1)).toMatchObject({ userId: me, create: true, roomName: "lab" });
    const connected = guest.state.participants.map(({ name, isConnected }) => [name, isConnected]);
    expect(Object.fromEntries(connected)).toEqual({ ada: false, Gus: true, bob: false });
    server.enter("ada");
    await vi.advanceTimersByTimeAsync(RETURN_MS);
    expect(guest.names).toEqual(["Gus", "ada"]);
  });

  test("a participant with an invitation waits for somebody who may make the room", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    await inside();
    server.refusals = [
      new SignalingError("not-allowed", "There is no room."),
      new SignalingError("not-allowed", "There is no room."),
    ];
    server.restart();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(guest.state.room?.phase).toBe("joined");
  });

  test("a server that restarted with another secret is entered without the token that it did not sign", async () => {
    guest = new Guest(server, { token: "t", mustExist: true });
    await inside();
    server.hasNewSecret = true;
    server.restart();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(guest.state.room?.phase).toBe("joined");
    expect(server.auths.map(({ token }) => token)).toEqual(["t", "t", undefined]);
  });

  test("a line that is lost while one joins again is tried again, one at a time", async () => {
    await inside();
    server.refusals = [new SignalingError("unreachable", "The room's server does not answer.")];
    server.cut();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(guest.state.room?.phase).toBe("joined");
    expect(server.of("join-room").length).toBe(3);
  });

  test("a room that has become full meanwhile ends the call with its words", async () => {
    await inside();
    server.refusals = [new SignalingError("room-full", "The room is full (10 of 10).")];
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(guest.state.room).toMatchObject({ phase: "refused", code: "room-full" });
    expect(guest.of("bye")[0]).toMatchObject({ code: "lost", reason: "The room is full (10 of 10)." });
  });

  test("a seat that another connection took is not fought for", async () => {
    await inside();
    server.say("error", { code: "already-in-room", message: "Your place was taken by another connection." });
    server.cut();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.of("join-room").length).toBe(1);
    expect(guest.of("bye")[0]?.reason).toBe("Your place was taken by another connection.");
  });

  test("of what waits only the newest 500 are kept", async () => {
    await inside();
    server.isUp = false;
    server.cut();
    for (let number = 0; number < 600; number += 1) {
      const candidate = {
        candidate: String(number),
        sdpMid: null,
        sdpMLineIndex: null,
        usernameFragment: null,
      };
      guest.take({ type: "peer-signal", peer: "ada", generation: 1, description: null, candidate });
    }
    server.isUp = true;
    await vi.advanceTimersByTimeAsync(3_000);
    const sent = server
      .of("ice-candidate")
      .map(({ candidate }) => (candidate as { candidate: string }).candidate);
    expect([sent.length, sent[0], sent.at(-1)]).toEqual([500, "100", "599"]);
  });
});
