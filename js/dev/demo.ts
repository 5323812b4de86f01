/** The demo page: one or more views of a fake session, for looking at and for screenshots. */
import { signal } from "@preact/signals";
import { mount } from "../src/ui/mount";
import { DEFAULT_METRICS, metrics } from "../src/ui/statistics/metrics";
import { mountStatistics } from "../src/ui/statistics/mount-statistics";
import { panelOf } from "../src/ui/statistics/panel";
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
  const { signal: ended } = new AbortController();
  // `?alone` shows the statistics as a cell of their own does, `?alone=file` as of a dump
  if (query.has("alone")) {
    const keys = query.has("all") ? metrics.map(({ key }) => key) : DEFAULT_METRICS;
    const choice = { metrics: signal(keys), isShown: signal(() => true), show: () => {} };
    mountStatistics(cell, panelOf(session.stats, choice, query.get("alone") !== "file"), ended);
  } else {
    mount(cell, session, ended);
  }
}

// `?click=Invite` presses what has that name, so that an open panel can be looked at.
for (const name of query.getAll("click")) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  const found = [...main.querySelectorAll<HTMLElement>("button, [role^=menuitem]")].find((each) =>
    (each.getAttribute("aria-label") ?? each.textContent).startsWith(name),
  );
  found?.click();
}
