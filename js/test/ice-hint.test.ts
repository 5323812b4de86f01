import { expect, test } from "vitest";
import { type Facts, hintOf } from "../src/ice/hint";

const facts: Facts = {
  isOnline: true,
  own: ["host"],
  relays: [],
  theirs: ["host"],
  pairs: ["failed"],
  errors: [],
  hasTurn: false,
  isRelayOnly: false,
  whom: "Ada",
};

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
  ["a dead TURN server", { hasTurn: true, errors: [701] }, "the TURN server does not answer"],
  ["a wrong credential", { hasTurn: true, errors: [701, 401] }, "refuses the credential (401)"],
  ["a used up quota", { hasTurn: true, errors: [486] }, "quota is used up (486)"],
  ["UDP blocked", { hasTurn: true, own: ["host", "relay"], relays: ["tcp"] }, "UDP seems to be blocked here"],
  [
    "the relay alone is of no use",
    { hasTurn: true, own: ["relay"], relays: ["udp"] },
    "not even by the relay",
  ],
  ["relay only without TURN", { isRelayOnly: true, own: [] }, "no TURN server is configured"],
  [
    "relay only, dead",
    { isRelayOnly: true, own: [], hasTurn: true },
    "Only relayed paths are allowed, and the TURN",
  ],
];

test.each(cases)("%s", (_, change, said) => {
  expect(hintOf({ ...facts, ...change })).toContain(said);
});

test("every hint is whole sentences", () => {
  for (const [, change] of cases) expect(hintOf({ ...facts, ...change })).toMatch(/^[A-Z].*\.\)?\.?$/);
});
