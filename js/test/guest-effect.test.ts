// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from "vitest";
import { loadEffect, saveEffect } from "../src/guest/effect";
import { GuestEngine } from "../src/guest/engine";
import type { Effect, Event } from "../src/messages";
import { FakeServer } from "./fake-server";

const NONE: Effect = { name: "none", strength: null };

beforeEach(() => localStorage.clear());

describe("the effect that a guest's browser remembers", () => {
  test("is the one of the last visit", () => {
    expect(loadEffect()).toEqual(NONE);
    saveEffect({ name: "blur", strength: 0.7 });
    expect(loadEffect()).toEqual({ name: "blur", strength: 0.7 });
  });

  test.each([
    ["no JSON", "blur", NONE],
    ["nothing", "null", NONE],
    ["another effect", '{"name":"toString"}', NONE],
    ["a strength beyond the range", '{"name":"blur","strength":7}', { name: "blur", strength: null }],
    ["a strength where there is none", '{"name":"mirror","strength":1}', { name: "mirror", strength: null }],
  ])("may be %s, and does no harm", (_, text, effect) => {
    localStorage.setItem("nbrtc.effect", text);
    expect(loadEffect()).toEqual(effect);
  });

  test("is none where the browser keeps nothing", () => {
    const refuse = () => {
      throw new DOMException("", "SecurityError");
    };
    vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse });
    expect(() => saveEffect({ name: "blur", strength: null })).not.toThrow();
    expect(loadEffect()).toEqual(NONE);
    vi.unstubAllGlobals();
  });
});

test("a guest's own engine keeps the effect in the state, answers, and has it remembered", () => {
  const said: Event[] = [];
  const remembered: Effect[] = [];
  const engine = new GuestEngine({
    dial: new FakeServer().dial,
    server: "http://localhost",
    place: { room: "lab", token: null, mustExist: false },
    name: "Gus",
    effect: { name: "blur", strength: null },
    onEffect: (effect) => remembered.push(effect),
    equipment: null,
    say: (event) => said.push(event),
    onChosen: () => undefined,
  });
  const effect: Effect = { name: "sepia", strength: 0.5 };
  engine.take("page-1", { type: "set-effect", id: "e1", effect });
  expect(said.filter(({ type }) => type === "state").at(-1)).toMatchObject({ effect });
  expect(said.at(-1)).toMatchObject({ type: "reply", id: "e1", errorCode: null });
  expect(remembered).toEqual([effect]);
});
