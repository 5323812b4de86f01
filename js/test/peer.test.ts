// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { participant } from "../dev/fake-session";
import { HINT_MS } from "../src/ice/hint";
import type { Participant, PeerSignal } from "../src/messages";
import { LEGACY_MS, Peer, type Standing, TELL_MS } from "../src/peer";
import { GAP_MS, LOOK_MS, OPEN_MS } from "../src/recovery";
import { settled } from "./fake-page";
import { FakePeer } from "./fake-peer";
import { FakeStream, FakeTrack } from "./fake-track";
import { FakeWays } from "./fake-ways";

let sent: PeerSignal[];
let standings: Standing[];
let problems: string[];
let other: Participant;
let ways: FakeWays;
const ice = { urls: ["turn:turn.example.org"], username: "u", credential: "c" };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("MediaStream", FakeStream);
  FakePeer.made = [];
  sent = [];
  standings = [];
  problems = [];
  ways = new FakeWays({ iceServers: [ice] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function peerOf(change: Partial<Participant>, me: Partial<Participant> = {}): Peer {
  other = participant("bob", "Bob", { order: 2, ...change });
  return new Peer({
    me: () => participant("ada", "Ada", { order: 1, isYou: true, ...me }),
    participant: () => other,
    ice: ways,
    codec: () => "auto",
    outgoing: new MediaStream(),
    isReachable: () => true,
    send: (signal) => sent.push(signal),
    onStanding: (standing) => standings.push(standing),
    onConnection: () => undefined,
    onCall: () => undefined,
    onReceiver: () => undefined,
    onClosedByOther: () => undefined,
    onProblem: (_code, text) => problems.push(text),
  });
}

const said = () =>
  sent.flatMap(({ generation, description }) => (description ? [[generation, description.type]] : []));
const hear = (
  peer: Peer,
  generation: number | null,
  type: "offer" | "answer",
  sdp = "v=0\r\nm=audio\r\nm=video",
) => peer.take({ type: "peer-signal", peer: "bob", generation, description: { type, sdp }, candidate: null });
/** One that goes by its port. */
const onPort = (port: number) => `candidate:1 1 udp 1 192.0.2.1 ${port} typ host`;
const candidate = (peer: Peer, generation: number | null, text = onPort(1)) =>
  peer.take({
    type: "peer-signal",
    peer: "bob",
    generation,
    description: null,
    candidate: { candidate: text, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null },
  });

describe("who offers", () => {
  test.each([
    ["the later joiner", {}, { order: 3 }, true],
    ["not the earlier one", {}, { order: 1 }, false],
    ["always the browser towards Python", { isPython: true }, { order: 1 }, true],
    [
      "nbrtc to a tutorial client that created the room",
      { protocol: 0, order: 0, isCreator: true },
      {},
      true,
    ],
    ["nbrtc to a tutorial client that came later", { protocol: 0, order: 5 }, {}, true],
    ["a tutorial client that was there and did not create", { protocol: 0, order: 0 }, {}, false],
  ])("%s", async (_who, theirs, mine, offers) => {
    peerOf(theirs, mine).start();
    await settled();
    expect(said().length).toBe(offers ? 1 : 0);
  });

  test("nbrtc, when a tutorial client that ought to has not within two seconds", async () => {
    peerOf({ protocol: 0, order: 0 }).start();
    await vi.advanceTimersByTimeAsync(LEGACY_MS);
    expect(said()).toEqual([[null, "offer"]]);
  });
});

describe("generations", () => {
  test("an offer of a higher one replaces the connection, of a lower one is dropped", async () => {
    const peer = peerOf({});
    peer.start();
    hear(peer, 1, "offer");
    await settled();
    FakePeer.newest.become("connected");
    hear(peer, 3, "offer");
    await settled();
    hear(peer, 2, "offer");
    await settled();
    expect(FakePeer.made.map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
    expect(said()).toEqual([
      [1, "answer"],
      [3, "answer"],
    ]);
  });

  test("an answer of a generation that we have not begun means nothing", async () => {
    const peer = peerOf({}, { order: 3 });
    peer.start();
    await settled();
    hear(peer, 2, "answer");
    hear(peer, 0, "answer");
    await settled();
    expect(FakePeer.newest.signalingState).toBe("have-local-offer");
    expect(problems).toEqual([]);
  });

  test("candidates wait for the offer of their generation, and no longer", async () => {
    const peer = peerOf({});
    peer.start();
    candidate(peer, 2, onPort(2));
    candidate(peer, 1, onPort(1));
    hear(peer, 2, "offer");
    await settled();
    candidate(peer, 1, onPort(3));
    await settled();
    expect(FakePeer.newest.candidates).toMatchObject([{ candidate: onPort(2) }]);
  });

  test("no flood of candidates grows what waits", async () => {
    const peer = peerOf({});
    peer.start();
    for (let number = 0; number < 1000; number += 1) candidate(peer, 1, onPort(number));
    hear(peer, 1, "offer");
    await settled();
    expect(FakePeer.newest.candidates.length).toBe(50);
  });
});

describe("glare", () => {
  test("of two fresh connections: the polite one throws its own away and answers", async () => {
    const peer = peerOf({}, { order: 3 });
    peer.start();
    await settled();
    hear(peer, 1, "offer");
    await settled();
    expect(said()).toEqual([
      [1, "offer"],
      [1, "answer"],
    ]);
    expect(FakePeer.made.length).toBe(2);
    expect(FakePeer.made[0]?.connectionState).toBe("closed");
  });

  test("of two fresh connections: the impolite one ignores the other's, and its candidates", async () => {
    const peer = peerOf({});
    peer.start();
    await vi.advanceTimersByTimeAsync(OPEN_MS); // nobody offered: we do
    await settled();
    hear(peer, 1, "offer");
    candidate(peer, 1, onPort(1));
    await settled();
    hear(peer, 1, "answer");
    candidate(peer, 1, onPort(2));
    await settled();
    expect(said()).toEqual([[1, "offer"]]);
    expect(FakePeer.newest.signalingState).toBe("stable");
    expect(FakePeer.newest.candidates).toMatchObject([{ candidate: onPort(2) }]);
  });

  test("on a live connection: the polite one rolls back, the impolite one does not", async () => {
    for (const [order, answers] of [
      [3, true],
      [1, false],
    ] as const) {
      sent = [];
      const peer = peerOf({}, { order });
      peer.start();
      if (order === 3) {
        await settled();
        hear(peer, 1, "answer");
      } else hear(peer, 1, "offer");
      await settled();
      FakePeer.newest.become("connected");
      peer.codecChanged();
      hear(peer, 1, "offer");
      await settled();
      expect(said().at(-1)).toEqual([1, answers ? "answer" : "offer"]);
    }
  });
});

describe("towards Python and tutorial clients", () => {
  test("a live connection is never renegotiated, and recovery is a new one", async () => {
    const peer = peerOf({ isPython: true });
    peer.start();
    await settled();
    hear(peer, 1, "answer");
    await settled();
    FakePeer.newest.become("connected");
    peer.codecChanged();
    await settled();
    expect(said()).toEqual([[1, "offer"]]);
    FakePeer.newest.become("failed");
    await settled();
    expect(said()).toEqual([
      [1, "offer"],
      [2, "offer"],
    ]);
    expect(FakePeer.made[0]?.restarts).toBe(0);
  });

  test("a broadcast offer is taken unless the connection works; the same peer may ask again", async () => {
    const peer = peerOf({ protocol: 0, order: 0 });
    const of = (fingerprint: string) => `v=0\r\na=fingerprint:sha-256 ${fingerprint}\r\nm=audio`;
    peer.start();
    hear(peer, null, "offer", of("AA:01"));
    await settled();
    FakePeer.newest.become("connected");
    hear(peer, null, "offer", of("BB:02")); // for somebody who came later
    await settled();
    expect(said()).toEqual([[null, "answer"]]);
    hear(peer, null, "offer", of("AA:01"));
    await settled();
    expect(said()).toEqual([
      [null, "answer"],
      [null, "answer"],
    ]);
    expect(FakePeer.made.length).toBe(1);
  });
});

describe("what the person sees", () => {
  test("goes from connecting over reconnecting to failed, with reasons, and back on a click", async () => {
    const peer = peerOf({}, { order: 3 });
    peer.start();
    await settled();
    hear(peer, 1, "answer");
    await settled();
    FakePeer.newest.become("connected");
    FakePeer.newest.become("failed");
    for (let tries = 0; tries < 4; tries += 1) await vi.advanceTimersByTimeAsync(OPEN_MS);
    expect(FakePeer.made[0]?.restarts).toBe(1);
    expect(FakePeer.made.map(({ configuration }) => configuration.iceTransportPolicy)).toEqual([
      "all",
      "all",
      "all",
      "relay",
      "all", // and so on: the person has been told, and the network may come back
    ]);
    expect(standings.map(({ connection, reason }) => [connection, reason])).toEqual([
      ["connected", ""],
      ["reconnecting", "The connection to Bob was lost; mending it."],
      ["failed", "No network path to Bob works, not even by the TURN server."],
    ]);
    peer.reconnect();
    expect(peer.standing.value.connection).toBe("reconnecting");
    expect(FakePeer.newest.configuration.iceTransportPolicy).toBe("all");
  });

  test("the stream is one object, and the old picture stays until the new connection brings one", async () => {
    const peer = peerOf({}, { order: 3 });
    peer.start();
    await settled();
    expect(peer.standing.value.stream).toBeNull();
    const [audio, video] = FakePeer.newest.transceivers.map(({ receiver }) => receiver.track);
    video?.arrive();
    const stream = peer.standing.value.stream;
    expect(stream?.getTracks()).toEqual([video]);
    audio?.arrive();
    hear(peer, 2, "offer");
    await settled();
    expect(stream?.getTracks()).toEqual([video, audio]);
    FakePeer.newest.transceivers[1]?.receiver.track.arrive();
    expect(peer.standing.value.stream).toBe(stream);
    expect(stream?.getVideoTracks()).toEqual([FakePeer.newest.transceivers[1]?.receiver.track]);
  });

  test("a description that the browser refuses harms no connection that works, and mends one that does not", async () => {
    const peer = peerOf({});
    peer.start();
    hear(peer, 1, "offer");
    await settled();
    FakePeer.newest.become("connected");
    hear(peer, 1, "offer", "garbage");
    await settled();
    expect(FakePeer.made.length).toBe(1);
    expect(problems[0]).toContain("The browser refused a description for Bob");
    hear(peer, 1, "offer", `v=0${"\r\nm=video".repeat(9)}`);
    expect(problems[1]).toBe("Bob offered more than 8 media sections; refused.");
    FakePeer.newest.become("disconnected");
    hear(peer, 1, "offer", "garbage");
    await settled();
    expect(FakePeer.made[0]?.restarts).toBe(1);
  });
});

describe("a restart of what the browser still calls connected", () => {
  const begin = async () => {
    const peer = peerOf({});
    peer.start();
    peer.setTracks(new FakeTrack("video") as unknown as MediaStreamTrack, null);
    hear(peer, 1, "offer");
    await settled();
    FakePeer.newest.become("connected");
    await flow(4);
    await vi.advanceTimersByTimeAsync(GAP_MS);
    expect(FakePeer.newest.restarts).toBe(1);
    return peer;
  };
  const flow = async (seconds: number) => {
    for (let look = 0; look < seconds; look += LOOK_MS / 1000) {
      FakePeer.newest.received += 1000;
      await vi.advanceTimersByTimeAsync(LOOK_MS);
    }
  };
  const keyframes = () => FakePeer.newest.sender("video").keyframes;

  test("is nobody's business if it helps at once, and brings a whole picture", async () => {
    const peer = await begin();
    expect([ways.restarts, [...ways.troubles], keyframes()]).toEqual([["bob"], ["bob"], 0]);
    await flow(1);
    expect([[...ways.troubles], keyframes()]).toEqual([[], 1]);
    await flow(60);
    expect(peer.standing.value).toMatchObject({ connection: "connected", reason: "" });
    expect(standings.map(({ connection }) => connection)).toEqual(["connected"]);
    expect([FakePeer.newest.restarts, keyframes()]).toEqual([1, 2]); // the first may be lost
  });

  test("is told when it takes longer, and that it helped", async () => {
    const peer = await begin();
    await vi.advanceTimersByTimeAsync(TELL_MS);
    expect(peer.standing.value).toMatchObject({
      connection: "reconnecting",
      reason: "The connection to Bob was lost; mending it.",
    });
    await flow(1);
    expect(peer.standing.value).toMatchObject({ connection: "connected", reason: "" });
  });

  test("has fresh credentials", async () => {
    ways.isFresh = false;
    ways.ready = Promise.resolve().then(() => {
      ways.configuration = { ...ways.configuration, iceServers: [{ ...ice, credential: "new" }] };
    });
    await begin();
    expect(ways.refreshed).toBe(1);
    expect(FakePeer.newest.configuration.iceServers).toMatchObject([{ credential: "new" }]);
  });

  test("says after some seconds what is missing, as far as it is known", async () => {
    ways.said = "No path.";
    const peer = await begin();
    await vi.advanceTimersByTimeAsync(HINT_MS);
    expect(peer.standing.value.reason).toBe("The connection to Bob was lost; mending it. No path.");
    peer.close();
    expect([...ways.troubles]).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("candidates that a stranger may not name reach neither the browser nor its description", async () => {
  const peer = peerOf({});
  peer.start();
  const line = (address: string) => `candidate:1 1 udp 1 ${address} 5000 typ host`;
  hear(peer, 1, "offer", `v=0\r\nm=audio\r\na=${line("127.0.0.1")}\r\na=${line("192.0.2.1")}\r\n`);
  await settled();
  candidate(peer, 1, line("169.254.169.254"));
  candidate(peer, 1, line("192.0.2.2"));
  await settled();
  expect(FakePeer.newest.remoteDescription?.sdp).toBe(`v=0\r\nm=audio\r\na=${line("192.0.2.1")}\r\n`);
  expect(FakePeer.newest.candidates).toMatchObject([{ candidate: line("192.0.2.2") }]);
  expect(ways.refusals.map(({ address }) => address)).toEqual(["127.0.0.1", "169.254.169.254"]);
});

describe("tracks", () => {
  test("that come and go quickly end as the last one said", async () => {
    const peer = peerOf({}, { order: 3 });
    peer.start();
    const [first, second] = [new FakeTrack("video"), new FakeTrack("video")];
    const set = (track: FakeTrack | null) =>
      peer.setTracks(track as unknown as MediaStreamTrack | null, null);
    set(first);
    set(second);
    set(null);
    set(first);
    await settled();
    expect(FakePeer.newest.sender("video").track).toBe(first);
  });

  test("that were set before there was a connection go out with the answer", async () => {
    const peer = peerOf({});
    peer.start();
    const track = new FakeTrack("audio");
    peer.setTracks(null, track as unknown as MediaStreamTrack);
    hear(peer, 1, "offer");
    await settled();
    expect(FakePeer.newest.sender("audio").track).toBe(track);
  });
});
