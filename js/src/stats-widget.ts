/** The entry of `StatsView`: statistics in a cell of their own, fed by the kernel. It knows anywidget, and no call. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { StatsInbox, type StatsMessage } from "./stats/inbox";
import { metricsOf } from "./ui/statistics/metrics";
import { mountStatistics } from "./ui/statistics/mount-statistics";
import { type Choice, type Panel, panelOf, RECONNECTING } from "./ui/statistics/panel";

interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(name: string, callback: (...values: never[]) => void): void;
}

/** In every window that has the notebook open; each asks for what it has not seen. */
const page = crypto.randomUUID();

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

/** The person's choice is Python's, too: traits that both may set. Python repeats the link from its own end as "you". */
class SharedChoice implements Choice {
  readonly metrics: Signal<readonly string[]>;
  readonly isShown: ReadonlySignal<(peer: string) => boolean>;
  readonly #participants: Signal<readonly string[] | null>;
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
    const metrics = () => texts(model.get("metrics"));
    const participants = () => {
      const value = model.get("participants");
      return Array.isArray(value) ? texts(value) : null;
    };
    this.metrics = signal(metrics());
    this.#participants = signal(participants());
    this.isShown = computed(() => {
      const chosen = this.#participants.value;
      return (peer) => (chosen === null ? peer !== "you" : chosen.includes(peer));
    });
    model.on("change:metrics", () => {
      if (String(metrics()) !== String(this.metrics.peek())) this.metrics.value = metrics();
    });
    model.on("change:participants", () => {
      this.#participants.value = participants();
    });
    this.metrics.subscribe((keys) => {
      if (String(keys) !== String(metrics()))
        this.#share(
          "metrics",
          metricsOf(keys).map(({ key }) => key),
        );
    });
  }

  show(peer: string, on: boolean, all: readonly string[]): void {
    const shown = all.filter((each) => (each === peer ? on : this.isShown.peek()(each)));
    this.#participants.value = shown;
    this.#share("participants", shown);
  }

  #share(name: string, value: readonly string[]): void {
    this.#model.set(name, value);
    try {
      this.#model.save_changes();
    } catch {
      // the comm is disposed: the kernel was restarted, and this window chooses for itself
    }
  }
}

/** Why nothing new is seen, where that is so. */
function noteOf({ phase, series }: StatsInbox, isLive: boolean): string {
  const isEmpty = series.value.length === 0;
  if (phase.value === "closed") {
    return isEmpty
      ? "The call was closed, and nothing was measured."
      : "The call was closed: these are its last figures.";
  }
  if (phase.value === "reconnecting") return RECONNECTING;
  if (phase.value === "failed") return "The call has failed.";
  if (phase.value === "idle" && !isEmpty) return "The call has ended: these are its last figures.";
  const isBefore = phase.value === "idle" || phase.value === null; // an engine that starts says nothing yet
  return isBefore && isEmpty && isLive ? "No statistics yet: they begin with the call." : "";
}

function open(model: Model): Panel {
  const problem = signal("Waiting for the kernel…");
  const inbox = new StatsInbox(page);
  model.on("msg:custom", (message: StatsMessage) => {
    problem.value = "";
    inbox.take(message);
  });
  // once a model is made, its comm only ever dies; a kernel restart tells nothing else
  model.on("comm_live_update", () => {
    inbox.findings.value = [];
    problem.value = "The kernel has gone: run this cell again for new figures.";
  });
  const isLive = model.get("_is_live") === true;
  const note = computed(() => problem.value || noteOf(inbox, isLive));
  const panel = panelOf(inbox, new SharedChoice(model), isLive, note);
  try {
    model.send({ kind: "hello", page });
  } catch {
    problem.value = "No kernel answers: run this cell again.";
  }
  return panel;
}

/** One factory call for each model. */
export default () => {
  let panel: Panel;
  return {
    initialize({ model }: { model: Model }) {
      panel = open(model);
    },
    render({ el }: { el: HTMLElement }) {
      const view = new AbortController();
      mountStatistics(el, panel, view.signal);
      return () => view.abort();
    },
  };
};
