// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { loadName, readPlace, saveName, showPlace } from "../src/guest/place";

const tokenOf = (role: string) => `head.${btoa(JSON.stringify({ role })).replaceAll("=", "")}.sign`;

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
});

const visit = (address: string) => window.history.replaceState(null, "", address);

test("the room is in the path, and without a token the room may be made", () => {
  visit("/r/physics-101");
  expect(readPlace()).toEqual({ room: "physics-101", token: null, mustExist: false });
});

test("the token leaves the address bar, and is there after a reload", () => {
  const token = tokenOf("participant");
  visit(`/r/lab#token=${token}`);
  const place = { room: "lab", token, mustExist: true };
  expect(readPlace()).toEqual(place);
  expect(location.href).not.toContain("token");
  expect(readPlace()).toEqual(place);
});

test("the holder of an owner's token may make the room; what is no token is for the server to refuse", () => {
  visit(`/r/lab#token=${tokenOf("owner")}`);
  expect(readPlace().mustExist).toBe(false);
  visit("/r/lab#token=garbage");
  expect(readPlace()).toEqual({ room: "lab", token: "garbage", mustExist: false });
});

test("a token is for its own room, and the front door has none", () => {
  visit(`/r/lab#token=${tokenOf("participant")}`);
  readPlace();
  visit("/r/other");
  expect(readPlace().token).toBeNull();
  visit("/#token=x");
  expect(readPlace()).toEqual({ room: "", token: null, mustExist: false });
  expect(location.hash).toBe("");
});

test("a room that was chosen on the card stands in the address", () => {
  visit("/");
  showPlace("lab");
  expect(location.pathname).toBe("/r/lab");
});

test("the name is remembered, and a browser that keeps nothing still works", () => {
  expect(loadName()).toBe("Guest");
  saveName("Ada");
  expect(loadName()).toBe("Ada");
  const denied = () => {
    throw new DOMException("", "SecurityError");
  };
  vi.stubGlobal("localStorage", { getItem: denied, setItem: denied });
  saveName("Bob");
  expect(loadName()).toBe("Guest");
  vi.unstubAllGlobals();
});
