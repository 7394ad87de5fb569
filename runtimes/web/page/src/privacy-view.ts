/** The privacy panel: every request since the page was loaded, what is kept, and its end. */
import type { App } from "./app.js";
import { byId, bytes, make } from "./dom.js";
import { notice, shown } from "./notices.js";
import { onWorker } from "./site.js";

const opener = byId("privacy", HTMLButtonElement);
const dialog = byId("privacy-panel", HTMLDialogElement);
const count = byId("requests-count", HTMLElement);
const table = byId("requests", HTMLElement);
const kept = byId("kept", HTMLElement);
const policy = byId("policy", HTMLElement);
const forget = byId("forget", HTMLButtonElement);

/** A request, whoever made it. */
interface Asked {
  url: URL;
  by: "page" | "service worker";
  times: number;
}

/** Counts requests; made first of all, so that none is missed. */
export class Requests {
  readonly all = new Map<string, Asked>();
  /** Addresses that the Content-Security-Policy stopped: its header and its tag tell each. */
  readonly blocked = new Set<string>();
  private listener: (() => void) | undefined;

  constructor() {
    const timings = new PerformanceObserver((list) => {
      for (const { name } of list.getEntries()) this.add(name, "page");
    });
    timings.observe({ type: "resource", buffered: true });
    onWorker((message) => {
      if (message.kind === "fetched") this.add(message.url, "service worker");
    });
    addEventListener("securitypolicyviolation", ({ blockedURI }) => {
      this.blocked.add(blockedURI);
      this.listener?.();
    });
  }

  get foreign(): number {
    const others = [...this.all.values()].filter(({ url }) => isForeign(url));
    return others.reduce((sum, { times }) => sum + times, 0);
  }

  get total(): number {
    return [...this.all.values()].reduce((sum, { times }) => sum + times, 0);
  }

  onChange(listener: () => void): void {
    this.listener = listener;
    listener();
  }

  private add(name: string, by: Asked["by"]): void {
    const url = new URL(name);
    if (url.protocol === "blob:" || url.protocol === "data:") return; // memory, not the network
    const key = `${by} ${name}`;
    const { times } = this.all.get(key) ?? { times: 0 };
    this.all.set(key, { url, by, times: times + 1 });
    this.listener?.();
  }
}

/** Shows the requests, from the first on: they count before a model is there. */
export function showRequests(requests: Requests): void {
  opener.onclick = () => dialog.showModal();
  byId("privacy-close", HTMLButtonElement).onclick = () => dialog.close();
  requests.onChange(() => {
    const { foreign, total, blocked } = requests;
    opener.textContent = `Privacy: ${foreign} requests to others`;
    opener.classList.toggle("alarm", foreign > 0);
    const tried = [...blocked].join(", ");
    const stopped = tried ? ` Tried, and blocked by the page's policy: ${tried}.` : "";
    count.textContent =
      `${total} requests since the page was loaded, all for its own files; ` +
      `${foreign} to others.${stopped}`;
    if (foreign > 0)
      count.textContent = `${foreign} of ${total} requests went to others.${stopped}`;
    const rows = [...requests.all.values()].map(({ url, by, times }) => {
      const where = isForeign(url) ? url.href : url.pathname;
      const cells = [where, by, String(times)].map((cell) => make("td", {}, cell));
      return make("tr", { className: isForeign(url) ? "alarm" : "" }, ...cells);
    });
    table.replaceChildren(...rows);
  });
}

/** Shows what is kept, and forgets it where that is asked for. */
export function showKept(app: App, stop: () => Promise<void>): void {
  const { tasks, name } = app.model.info.policy;
  policy.textContent = `${name ?? "The policy"} allows: ${tasks.join(", ")}.`;
  const show = async () => {
    const stored = app.store.works ? "on this device" : "nowhere: this browser keeps nothing";
    const estimate = await navigator.storage?.estimate?.();
    const used = estimate?.usage === undefined ? "" : ` ${bytes(estimate.usage)} in all.`;
    kept.textContent =
      `Kept ${stored}: embeddings of ${app.recordings.length} recordings, ` +
      `${app.learned.length} taught labels, your label list, and the page's own files.${used} ` +
      "Sound is kept nowhere; what can be played lies in this tab's memory.";
  };
  opener.addEventListener("click", () => void show());
  app.on("recordings", () => void show());
  forget.onclick = () =>
    void shown(async () => {
      await stop();
      await app.forget();
      for (const cache of (await globalThis.caches?.keys()) ?? []) await caches.delete(cache);
      const workers = (await navigator.serviceWorker?.getRegistrations()) ?? [];
      for (const worker of workers) await worker.unregister();
      await show();
      dialog.close();
      notice(
        "Everything is forgotten. The page works on; reload it to keep it offline again.",
        "note",
      );
    });
}

function isForeign(url: URL): boolean {
  return url.origin !== location.origin;
}
