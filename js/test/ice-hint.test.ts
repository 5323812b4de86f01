import { expect, test } from "vitest";
import { type Facts, hintOf } from "../src/ice/hint";

const facts: Facts = {
  isOnline: true,
  own: ["host"],
  relays: [],
  theirs: ["host"],
  pairs: ["failed"],
  failures: [],
  turn: [],
  isRelayOnly: false,
  whom: "Ada",
};

const [UDP, TCP] = ["turn:t:3478?transport=udp", "turn:t?transport=tcp"];
const failed = (...codes: number[]) => codes.map((errorCode) => ({ url: UDP, errorCode }));

const cases: [string, Partial<Facts>, string][] = [
  ["offline", { isOnline: false }, "This computer is offline"],
  ["no address", { own: [] }, "The browser gives no network address"],
  ["nothing came", { theirs: [] }, "No address of Ada has come yet"],
  [
    "all failed without TURN",
    {},
    "No path to Ada lets packets through; a firewall or NAT may stop UDP: a TURN",
  ],
  [
    "still trying without TURN",
    { pairs: ["failed", "in-progress"] },
    "No path to Ada has answered yet; a fire",
  ],
  ["a dead TURN server", { turn: [UDP], failures: failed(701) }, "the TURN server does not answer"],
  ["a wrong credential", { turn: [UDP], failures: failed(701, 401) }, "refuses the credential (401)"],
  ["a used up quota", { turn: [UDP], failures: failed(486) }, "quota is used up (486)"],
  ["another refusal", { turn: [UDP], failures: failed(508) }, "answers with error 508"],
  [
    "UDP blocked",
    { turn: [UDP, TCP], own: ["host", "relay"], relays: ["tcp"], failures: failed(701) },
    "UDP seems to be blocked here",
  ],
  [
    "refused over UDP, which so gets through",
    { turn: ["turn:t", TCP], own: ["host", "relay"], relays: ["tcp"], failures: failed(401) },
    "lets packets through, and the TURN server refuses the credential (401)",
  ],
  [
    "no relay over UDP, but STUN",
    { turn: [UDP, TCP], own: ["host", "srflx", "relay"], relays: ["tcp"], pairs: [] },
    "No path to Ada has answered yet, not even by the relay",
  ],
  [
    "no relay over UDP is configured",
    { turn: [TCP], own: ["host", "relay"], relays: ["tcp"] },
    "not even by the relay",
  ],
  ["the relay alone is of no use", { turn: [UDP], own: ["relay"], relays: ["udp"] }, "not even by the relay"],
  ["relay only without TURN", { isRelayOnly: true, own: [] }, "no TURN server is configured"],
  [
    "relay only, dead",
    { isRelayOnly: true, own: [], turn: [UDP] },
    "Only relayed paths are allowed, and the TURN",
  ],
];

test.each(cases)("%s", (_, change, said) => {
  expect(hintOf({ ...facts, ...change })).toContain(said);
});

test("every hint is whole sentences", () => {
  for (const [, change] of cases) expect(hintOf({ ...facts, ...change })).toMatch(/^[A-Z].*\.\)?\.?$/);
});
