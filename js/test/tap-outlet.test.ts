import { beforeEach, describe, expect, test } from "vitest";
import { CHUNK_BYTES, CODECS, chunkCount, HEADER_BYTES } from "../src/tap/format";
import { KEPT_BYTES, SOUND_AHEAD_MS, WAITING_SOUNDS } from "../src/tap/lane";
import { BUFFERED_BYTES, Outlet, RECORDED_BYTES, WAITING_BYTES, WAITING_MS } from "../src/tap/outlet";
import { FakePipe, frame, sound } from "./fake-pipe";

let now_ms = 0;

beforeEach(() => {
  now_ms = 1000;
});

describe("the outlet", () => {
  test("keeps the channel's buffer within its bound and goes on when it drains", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    expect(outlet.send(frame(0, 200_000))).toBe(true);
    expect(pipe.bufferedAmount).toBeLessThanOrEqual(BUFFERED_BYTES);
    expect(pipe.sent).toHaveLength(4);
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.sent).toHaveLength(8);
    expect(outlet.wantsKeyframe("bob")).toBe(false);
    pipe.drain(outlet);
    expect(outlet.wantsKeyframe("bob")).toBe(true);
    expect(pipe.sent).toHaveLength(chunkCount(frame(0, 200_000)));
  });

  test("lets sound go before pictures that wait", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    outlet.send(frame(0, 80_000));
    outlet.send(frame(9, 100, { kind: "audio", codec: CODECS.opus }));
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order).toEqual([
      "video 0/0",
      "video 0/1",
      "video 0/2",
      "video 0/3",
      "audio 9/0",
      "video 0/4",
    ]);
  });

  test("refuses pictures beyond either bound, but never a single large one", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    expect(outlet.send(frame(0, 2 * WAITING_BYTES))).toBe(true);
    expect(outlet.send(frame(1, 10))).toBe(false);
    const next = new FakePipe();
    outlet.use(next);
    expect(outlet.send(frame(2, 80_000))).toBe(true);
    expect(outlet.send(frame(3, 10))).toBe(true);
    now_ms += WAITING_MS + 1;
    expect(outlet.send(frame(4, 10))).toBe(false);
    next.drain(outlet);
    expect(next.order.at(-1)).toBe("video 2/4"); // what waited with it is older than the keyframe to come
  });

  test("keeps a second of sound at most, the newest", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    pipe.bufferedAmount = BUFFERED_BYTES;
    for (let number = 0; number < WAITING_SOUNDS + 3; number++)
      outlet.send(frame(number, 100, { kind: "audio", codec: CODECS.opus }));
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order).toHaveLength(WAITING_SOUNDS);
    expect(pipe.order[0]).toBe("audio 3/0");
  });

  test("forgets what waits of one person, and finishes what has begun", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.use(pipe);
    outlet.send(frame(0, 80_000));
    outlet.send(frame(1, 10));
    outlet.send(frame(2, 10, { participant: "carol" }));
    outlet.drop("bob");
    pipe.bufferedAmount = 0;
    outlet.pump();
    expect(pipe.order.slice(4)).toEqual(["video 0/4", "video 2/0"]);
  });

  test("gives everybody the same share of the channel", () => {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.setRecorded(new Set(["bob"]));
    for (let number = 0; number < 40; number++) outlet.send(frame(number, 50_000));
    outlet.use(pipe);
    pipe.drain(outlet, 3); // a good deal of the backlog is gone already
    const before = pipe.shares;
    for (let number = 0; number < 4; number++) outlet.send(frame(number, 50_000, { participant: "carol" }));
    pipe.drain(outlet, 6);
    const gained = (name: string) => (pipe.shares[name] ?? 0) - (before[name] ?? 0);
    expect(gained("carol")).toBeGreaterThan(100_000);
    expect(Math.abs(gained("bob") - gained("carol"))).toBeLessThanOrEqual(2 * CHUNK_BYTES);
  });
});

describe("for a recording", () => {
  function recording(...ids: string[]) {
    const [pipe, outlet] = [new FakePipe(), new Outlet(() => now_ms)];
    outlet.setRecorded(new Set(ids));
    outlet.use(pipe);
    return { pipe, outlet };
  }

  test("everything waits, however long the channel takes nothing", () => {
    const { pipe, outlet } = recording("bob");
    pipe.bufferedAmount = BUFFERED_BYTES;
    for (let number = 0; number < 300; number++) {
      now_ms += 33;
      expect(outlet.send(frame(number, 8_000))).toBe(true);
      expect(outlet.send(sound(number))).toBe(true);
    }
    pipe.drain(outlet);
    expect(pipe.order.filter((entry) => entry.startsWith("video"))).toHaveLength(300);
    expect(pipe.order.filter((entry) => entry.startsWith("audio"))).toHaveLength(300);
  });

  test("sound and pictures of a long queue stay together", () => {
    const { pipe, outlet } = recording("bob");
    pipe.bufferedAmount = BUFFERED_BYTES;
    for (let number = 0; number < 300; number++) {
      outlet.send(frame(number, 1_000));
      outlet.send(sound(number));
      now_ms += 20;
    }
    pipe.drain(outlet);
    let [pictures, furthest] = [0, 0];
    for (const entry of pipe.order) {
      if (entry.startsWith("video")) pictures++;
      else furthest = Math.max(furthest, Number.parseInt(entry.slice(6), 10) - pictures);
    }
    expect(furthest).toBe(SOUND_AHEAD_MS / 20);
  });

  test("whoever is live only suffers neither from the queue nor from the bound", () => {
    const { pipe, outlet } = recording("bob");
    pipe.bufferedAmount = BUFFERED_BYTES;
    for (let number = 0; number < 500; number++) outlet.send(frame(number, 10_000));
    const before = pipe.sent.length;
    outlet.send(frame(0, 1_000, { participant: "carol" }));
    outlet.send(sound(0, { participant: "carol" }));
    pipe.drain(outlet, 1);
    const carols = pipe.sent.slice(before).findIndex((message) => message[HEADER_BYTES] === 99);
    expect(carols).toBe(0);
    expect(Object.keys(pipe.shares)).toContain("carol");
    now_ms += WAITING_MS + 1;
    expect(outlet.send(frame(1, 1_000, { participant: "carol" }))).toBe(true);
  });

  test("a full buffer drops pictures of the one with the most, up to a keyframe, and never sound", () => {
    const { pipe, outlet } = recording("bob", "carol");
    pipe.isOpen = false;
    const bobs = RECORDED_BYTES / 50_000;
    let number = 0;
    while (outlet.send(frame(number, 50_000))) number++;
    expect(number).toBeGreaterThan(bobs - 5);
    expect(outlet.send(frame(++number, 100))).toBe(false); // a picture that needs the one before
    expect(outlet.send(frame(++number, 100, { isKeyframe: true }))).toBe(false); // no room yet
    expect(outlet.wantsKeyframe("bob")).toBe(false);
    expect(outlet.send(sound(0))).toBe(true);

    const carol = { participant: "carol" };
    for (let of = 0; of < 100; of++) expect(outlet.send(frame(of, 50_000, carol))).toBe(true);

    pipe.isOpen = true;
    while (!outlet.wantsKeyframe("bob")) {
      pipe.drain(outlet, 1);
      outlet.acknowledge({ participant: "bob", kind: "video", stream: 0, number: 1e6 });
    }
    expect(outlet.send(frame(++number, 100))).toBe(false);
    expect(outlet.send(frame(++number, 100, { isKeyframe: true }))).toBe(true);
    expect(outlet.send(frame(++number, 100))).toBe(true);
    pipe.drain(outlet);
    expect(pipe.shares.carol).toBeGreaterThan(100 * 50_000);
    expect(pipe.order.filter((entry) => entry.startsWith("audio"))).toEqual(["audio 0/0"]);
  });

  test("two who send alike fill the buffer by halves", () => {
    const { pipe, outlet } = recording("bob", "carol");
    pipe.isOpen = false;
    for (let number = 0; number < 1000; number++) outlet.send(frame(number, 50_000)); // he was first
    for (let number = 0; number < 1000; number++)
      outlet.send(frame(number, 50_000, { participant: "carol" }));
    pipe.isOpen = true;
    pipe.drain(outlet);
    const { bob = 0, carol = 0 } = pipe.shares;
    expect(bob + carol).toBeGreaterThan(0.97 * RECORDED_BYTES);
    expect(Math.abs(bob - carol)).toBeLessThan(200_000);
  });

  test("what was not acknowledged goes again over the next channel, and nothing else", () => {
    const { pipe, outlet } = recording("bob");
    for (let number = 0; number < 4; number++) outlet.send(frame(number, 1_000));
    outlet.send(sound(0));
    outlet.send(frame(0, 1_000, { participant: "carol" }));
    pipe.bufferedAmount = BUFFERED_BYTES;
    outlet.send(frame(4, 1_000));
    outlet.acknowledge({ participant: "bob", kind: "video", stream: 0, number: 1 });
    pipe.isOpen = false;
    outlet.send(frame(5, 1_000));
    outlet.send(frame(1, 1_000, { participant: "carol" }));
    const next = new FakePipe();
    outlet.use(next);
    outlet.pump();
    expect(next.order).toEqual(["audio 0/0", "video 2/0", "video 3/0", "video 4/0", "video 5/0"]);
    expect(Object.keys(next.shares)).toEqual(["bob"]);
    expect(next.sent.every((message) => ((message[1] ?? 0) & 4) === 4)).toBe(true);
  });

  test("a frame that was half sent goes again from its beginning", () => {
    const { outlet } = recording("bob");
    outlet.send(frame(0, 200_000));
    const next = new FakePipe();
    outlet.use(next);
    next.drain(outlet);
    expect(next.order).toHaveLength(chunkCount(frame(0, 200_000)));
    expect(next.order[0]).toBe("video 0/0");
  });

  test("an acknowledgement counts for its own receiver, and those before it", () => {
    const { outlet } = recording("bob");
    outlet.send(frame(8, 10, { stream: 255 }));
    outlet.send(frame(0, 10, { stream: 0 }));
    outlet.send(frame(1, 10, { stream: 0 }));
    outlet.acknowledge({ participant: "bob", kind: "video", stream: 0, number: 0 });
    outlet.acknowledge({ participant: "mallory", kind: "video", stream: 0, number: 0 });
    const next = new FakePipe();
    outlet.use(next);
    outlet.pump();
    expect(next.order).toEqual(["video 1/0"]);
  });

  test("no more is kept for another channel than can be on its way", () => {
    const { pipe, outlet } = recording("bob");
    for (let number = 0; number < 100; number++) {
      outlet.send(frame(number, 50_000));
      pipe.drain(outlet);
    }
    const next = new FakePipe();
    outlet.use(next);
    next.drain(outlet);
    expect(next.shares.bob).toBeLessThan(KEPT_BYTES + 100_000);
    expect(next.order.at(-1)).toBe("video 99/3");
  });

  test("when it is over, what waits is as little as for a live view", () => {
    const { pipe, outlet } = recording("bob");
    pipe.isOpen = false;
    for (let number = 0; number < 100; number++) {
      outlet.send(frame(number, 50_000));
      outlet.send(sound(number));
    }
    outlet.setRecorded(new Set());
    expect(outlet.accepts("bob")).toBe(false);
    pipe.isOpen = true;
    pipe.drain(outlet);
    expect(pipe.order).toHaveLength(WAITING_SOUNDS);
    expect(pipe.order[0]).toBe(`audio ${100 - WAITING_SOUNDS}/0`);
  });
});
