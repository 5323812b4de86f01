/** The only file that knows anywidget: it turns a model into a session and a render into a view. */
import { type AssetPiece, AssetPulls } from "./asset-pulls";
import { CachedAssets } from "./assets";
import type { Event } from "./messages";
import { Session } from "./session";
import { type Face, mount } from "./ui/mount";

interface Model {
  send(content: unknown): void;
  get(name: "face"): Face | undefined;
  on(name: string, callback: (...values: never[]) => void): void;
}

interface Downward {
  readonly to: string | null;
  readonly body?: string;
  readonly asset?: AssetPiece;
}

function open(model: Model): Session {
  const send = (content: unknown) => {
    try {
      model.send(content);
      return true;
    } catch {
      return false; // the comm is disposed: the kernel was restarted
    }
  };
  const pulls = new AssetPulls((asset) => send({ page: session.page, asset }));
  const session: Session = new Session((page, intent) => send({ page, body: JSON.stringify(intent) }), {
    assets: new CachedAssets((name) => pulls.fetch(name)),
  });
  model.on("msg:custom", ({ to, body, asset }: Downward, buffers: readonly DataView[]) => {
    if (to !== null && to !== session.page) return;
    if (asset !== undefined) pulls.take(asset, buffers[0]);
    else if (body !== undefined) session.take(JSON.parse(body) as Event);
  });
  // once a model is made, its comm only ever dies; a kernel restart tells nothing else
  model.on("comm_live_update", () => {
    pulls.close();
    session.kernelGone();
  });
  return session;
}

/** One factory call for each model. */
export default () => {
  let session: Session;
  return {
    /**
     * Listens, and does nothing: an untrusted notebook runs this on open. In `render` it would be too late, since
     * anywidget ends a view's listeners with the view, and other views may live on.
     */
    initialize({ model }: { model: Model }) {
      const created = open(model);
      session = created;
      const ended = new AbortController();
      window.addEventListener("pagehide", () => created.close("The page was closed or reloaded.", true), {
        signal: ended.signal,
      });
      return () => {
        ended.abort();
        created.close("The widget was closed.");
      };
    },
    render({ el, model }: { el: HTMLElement; model: Model }) {
      const view = new AbortController();
      mount(el, session, view.signal, model.get("face"));
      session.attach(view.signal);
      return () => view.abort();
    },
  };
};
