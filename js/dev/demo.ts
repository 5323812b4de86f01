/** The demo page: one or more views of a fake session, for looking at and for screenshots. */
import { mount } from "../src/ui/mount";
import { sessionOf } from "./scene";

const query = new URLSearchParams(location.search);
const session = sessionOf(query);
const main = document.querySelector("main");
if (!main) throw new Error("index.html has no <main> element.");
main.style.width = `${query.get("width") ?? "1000"}px`;
document.body.setAttribute("data-theme", query.get("theme") ?? "system");

for (let view = 0; view < Number(query.get("views") ?? 1); view += 1) {
  const cell = document.createElement("div");
  cell.className = "cell";
  main.append(cell);
  mount(cell, session, new AbortController().signal);
}

// `?click=Invite` presses what has that name, so that an open panel can be looked at.
for (const name of query.getAll("click")) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  const found = [...main.querySelectorAll<HTMLElement>("button, [role^=menuitem]")].find((each) =>
    (each.getAttribute("aria-label") ?? each.textContent).startsWith(name),
  );
  found?.click();
}
