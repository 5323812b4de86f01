/** The timeline of one peer connection. */
import { expect, it } from "vitest";
import { kindOf, watchConnection } from "../src/stats/connection-events";
import type { Happening } from "../src/stats/timeline";
import { FakePeer } from "./fake-peer";
import { FakeTrack } from "./fake-track";

const HOST = "candidate:1 1 udp 2122260223 192.0.2.1 50007 typ host generation 0 ufrag abcd";
const RELAY =
  "candidate:3 1 TCP 41885439 203.0.113.9 3478 typ relay raddr 192.0.2.1 rport 50007 tcptype active";

function watch() {
  const peer = new FakePeer();
  const abort = new AbortController();
  const happenings: Happening[] = [];
  watchConnection(peer as unknown as RTCPeerConnection, {
    peer: "ada",
    generation: 2,
    signal: abort.signal,
    emit: (happening) => void happenings.push(happening),
  });
  const said = () => happenings.map(({ name, value }) => `${name} ${value}`.trim());
  const fire = (name: string, more: object = {}) => peer.dispatchEvent(Object.assign(new Event(name), more));
  return { peer, abort, happenings, said, fire };
}

it("begins with how the connection stands, and says whose it is", () => {
  const { happenings, said } = watch();
  expect(said()).toEqual([
    "signalingstatechange stable",
    "icegatheringstatechange new",
    "iceconnectionstatechange new",
    "connectionstatechange new",
  ]);
  expect(happenings.every(({ peer, generation }) => peer === "ada" && generation === 2)).toBe(true);
});

it("tells the states verbatim, and the transport's as soon as there is one", async () => {
  const { peer, said } = watch();
  const begun = said().length;
  const { sender } = peer.addTransceiver("audio");
  sender.transport.state = "new";
  await peer.setLocalDescription();
  sender.transport.become("connecting");
  sender.transport.iceTransport.select(HOST, RELAY);
  sender.transport.become("connected");
  peer.become("connected");
  expect(said().slice(begun)).toEqual([
    "signalingstatechange have-local-offer",
    "dtlsstatechange new",
    "dtlsstatechange connecting",
    "selectedcandidatepairchange host/udp -> relay/tcp",
    "dtlsstatechange connected",
    "connectionstatechange connected",
  ]);
});

it("follows the transport that takes another's place", async () => {
  const { peer, said } = watch();
  const [first, second] = [peer.addTransceiver("audio"), peer.addTransceiver("video")];
  peer.become("connecting");
  peer.transceivers.splice(0, 1);
  peer.become("connected");
  first.sender.transport.become("closed");
  second.sender.transport.become("failed");
  expect(said().filter((text) => text.startsWith("dtls"))).toEqual([
    "dtlsstatechange connected",
    "dtlsstatechange connected",
    "dtlsstatechange failed",
  ]);
});

it("tells of candidates what they are and never where", () => {
  const { said, fire } = watch();
  const begun = said().length;
  for (const candidate of [HOST, RELAY, "", "rubbish 192.0.2.1"])
    fire("icecandidate", { candidate: { candidate } });
  fire("icecandidate", { candidate: null });
  const url = "stun:stun.example.org:3478";
  fire("icecandidateerror", {
    errorCode: 701,
    errorText: `STUN request to ${url} from 192.0.2.1 or [2001:db8::1] timed out.`,
    address: "192.0.2.1",
    port: 50007,
    url,
  });
  fire("negotiationneeded");
  expect(said().slice(begun)).toEqual([
    "icecandidate host udp",
    "icecandidate relay tcp",
    "icecandidate unknown unknown",
    "icecandidate",
    "icecandidateerror 701 STUN request to from or timed out.",
    "negotiationneeded",
  ]);
});

it("tells what becomes of received tracks, once each", () => {
  const { said, fire } = watch();
  const track = new FakeTrack("video");
  const begun = said().length;
  fire("track", { track });
  fire("track", { track });
  for (const name of ["unmute", "mute", "ended"]) track.dispatchEvent(new Event(name));
  expect(said().slice(begun)).toEqual([
    "track video",
    "trackunmute video",
    "trackmute video",
    "trackended video",
  ]);
});

it("tells the failure that made somebody end the connection on the spot", () => {
  const { peer, abort, said } = watch();
  const { sender } = peer.addTransceiver("audio");
  peer.become("connected");
  sender.transport.state = "failed";
  peer.onconnectionstatechange = () => abort.abort();
  peer.become("failed");
  expect(said().slice(-3)).toEqual(["connectionstatechange failed", "dtlsstatechange failed", "close"]);
});

it("ends with close, and nothing comes after", () => {
  const { peer, abort, said, fire } = watch();
  const { sender } = peer.addTransceiver("audio");
  const track = new FakeTrack("audio");
  fire("track", { track });
  peer.become("connected");
  abort.abort();
  const count = said().length;
  expect(said().at(-1)).toBe("close");
  peer.become("closed");
  sender.transport.become("closed");
  track.dispatchEvent(new Event("ended"));
  fire("icecandidate", { candidate: null });
  expect(said()).toHaveLength(count);
});

it.each([
  [HOST, "host udp"],
  [`a=${RELAY}`, "relay tcp"],
  ["candidate:1 1 udp 1 fe80::1 9 typ srflx", "srflx udp"],
  ["candidate:1 1 192.0.2.1 1 host 9 typ 192.0.2.2", "unknown unknown"],
  ["", ""],
])("reads the kind of %s", (line, kind) => expect(kindOf(line)).toBe(kind));
