/** What the exported folder says of itself, and the service worker that keeps it. */
import { reasonOf } from "./dom.js";

/** `site.js`, which `tinyalm export --to web` writes. */
export interface Site {
  digest: string;
  /** Folder of the bundle. */
  bundle: string;
  /** File of the policy. */
  policy: string | null;
}

export type WorkerMessage =
  | { kind: "fetched"; url: string }
  | { kind: "kept"; kept: number; of: number }
  | { kind: "failed"; reason: string };

const TAKEN_OVER_MS = 2000;

declare global {
  var TINYALM_SITE: Site | undefined;
}

export async function readSite(): Promise<Site> {
  await import(/* @vite-ignore */ new URL("site.js", document.baseURI).href);
  const site = globalThis.TINYALM_SITE;
  if (!site) throw new Error("site.js names no bundle; export the page again");
  return site;
}

/**
 * Has the service worker keep every file and take the page over, so that each is fetched once.
 *
 * @param progress told the files kept so far and in all.
 * @returns why nothing could be kept; undefined where all is.
 */
export async function keepOffline(
  progress: (kept: number, of: number) => void,
): Promise<string | undefined> {
  if (!navigator.serviceWorker) return "this browser keeps no pages, or not in this mode";
  if (navigator.serviceWorker.controller) {
    void navigator.serviceWorker.register("sw.js", { updateViaCache: "none" }).catch(() => {});
    return undefined; // an update is not needed, and there may be no server
  }
  return new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => resolve(undefined));
    onWorker((message) => {
      if (message.kind === "kept") progress(message.kept, message.of);
      if (message.kind === "failed") resolve(message.reason);
    });
    navigator.serviceWorker.register("sw.js", { updateViaCache: "none" }).then(
      ({ installing, waiting, active }) => {
        const worker = installing ?? waiting ?? active;
        const check = () => {
          if (worker?.state === "redundant") resolve("the files could not be stored");
          // It takes over before that, but for a page whose reload was forced.
          if (worker?.state === "activated") setTimeout(resolve, TAKEN_OVER_MS, undefined);
        };
        worker?.addEventListener("statechange", check);
        check();
      },
      (error: unknown) => resolve(reasonOf(error)),
    );
  });
}

/** Hears what the service worker tells. */
export function onWorker(listener: (message: WorkerMessage) => void): void {
  navigator.serviceWorker?.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) =>
    listener(data),
  );
  navigator.serviceWorker?.startMessages();
}
