/** The guest page: the widget's session and views without Jupyter, for whoever has a link and a browser. */
import { CachedAssets } from "./assets";
import { loadEffect, saveEffect } from "./guest/effect";
import { GuestEngine } from "./guest/engine";
import { offerLeftovers } from "./guest/offer";
import { loadName, readPlace, saveName, showPlace } from "./guest/place";
import { browserEquipment } from "./guest/recorder/equipment";
import { sceneOf } from "./guest/recorder/scene";
import { dialTo } from "./guest/socket";
import { Session } from "./session";
import { mount } from "./ui/mount";
import "./guest/page.css";

function open(main: HTMLElement): void {
  const place = readPlace();
  if (place.room !== "") document.title = `${place.room} – video call`;
  const engine = new GuestEngine({
    dial: dialTo(location.origin),
    server: location.origin,
    place,
    name: loadName(),
    effect: loadEffect(),
    onEffect: saveEffect,
    equipment: browserEquipment(() => sceneOf(session)),
    // in a turn of its own, as if it came over a wire: the session is never called from within its own call
    say: (event) => queueMicrotask(() => session.take(event)),
    onChosen: (room, name) => {
      showPlace(room);
      saveName(name);
      document.title = `${room} – video call`;
    },
  });
  const session: Session = new Session(
    (page, intent) => {
      engine.take(page, intent);
      return true;
    },
    { hasPython: false, assets: new CachedAssets(fetched, new URL("/static/", location.origin).href) },
  );
  const shown = new AbortController();
  mount(main, session, shown.signal);
  session.attach(shown.signal);
  window.addEventListener("pagehide", () => {
    engine.close(); // first: what it records is not to end as if the person had left
    session.close("The page was closed or reloaded.");
  });
  void offerLeftovers(main);
  // a page that comes back from the browser's cache is a new one for the room
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
}

/** A part of the page. Rejects with a sentence. */
async function fetched(name: string): Promise<ArrayBuffer> {
  const answer = await fetch(`/static/${name}`);
  if (!answer.ok) throw new Error(`the server answered ${answer.status} to ${name}.`);
  return answer.arrayBuffer();
}

/** Why there can be no call here, as a sentence; null where there can. */
function whyNot(): string | null {
  if (window.isSecureContext) return null;
  return (
    `Browsers open cameras only on https:// or localhost, and this page is ${location.origin}. ` +
    "Ask whoever runs this server for its https address (nbrtc serve --cert --key, or a proxy with a certificate)."
  );
}

function say(main: HTMLElement, text: string): void {
  const message = document.createElement("p");
  message.className = "nbrtc-page-message";
  message.setAttribute("role", "alert");
  message.textContent = text;
  main.append(message);
}

const main = document.querySelector<HTMLElement>("main.nbrtc-page");
if (main !== null) {
  const reason = whyNot();
  if (reason === null) open(main);
  else say(main, reason);
}
