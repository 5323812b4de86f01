/** What the guest page's address says, and what this browser remembers of it. */
import type { Place } from "./engine";

const ROOM_PATH = /^\/r\/([A-Za-z0-9_-]{1,64})\/?$/;
const TOKEN_KEY = "nbrtc.token.";
const NAME_KEY = "nbrtc.name";

/**
 * Read the room from the path and the token from the fragment. The token leaves the address bar, so that it is in no
 * screenshot, bookmark or history, and is kept for reloads of this tab.
 */
export function readPlace(): Place {
  const room = ROOM_PATH.exec(location.pathname)?.[1] ?? "";
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) history.replaceState(history.state, "", location.pathname + location.search);
  if (room === "") return { room, token: null, mustExist: false };
  if (given !== null) store(sessionStorageOf(), TOKEN_KEY + room, given);
  const token = given ?? load(sessionStorageOf(), TOKEN_KEY + room);
  return { room, token, mustExist: token !== null && roleOf(token) === "participant" };
}

/** The address of a room that was chosen on the card, so that a reload or a bookmark leads there. */
export function showPlace(room: string): void {
  const path = `/r/${room}`;
  if (location.pathname !== path) history.replaceState(history.state, "", path);
}

export function loadName(): string {
  return load(localStorageOf(), NAME_KEY) ?? "Guest";
}

export function saveName(name: string): void {
  store(localStorageOf(), NAME_KEY, name);
}

/** The role that a token claims (RFC 7519); only the server checks it. */
function roleOf(token: string): string {
  try {
    const part = token.split(".")[1] ?? "";
    const claims = JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
    return String(claims.role);
  } catch {
    return ""; // not a token of ours: the server will say so
  }
}

// A browser may deny its storage altogether: the page still works, and forgets.

function sessionStorageOf(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function localStorageOf(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function load(storage: Storage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function store(storage: Storage | null, key: string, value: string): void {
  try {
    storage?.setItem(key, value);
  } catch {
    // full or denied: it lasts until the next reload
  }
}
