/** The service worker: keeps every file, so that the page works without its server. */
import headers from "../headers.json" with { type: "json" };

declare const self: ServiceWorkerGlobalScope & {
  TINYALM_SITE: { digest: string; files: string[]; later: string[] };
};

// In the scripts that the browser compares: where the content changes, this worker does.
importScripts("site.js");
const { digest, files, later } = self.TINYALM_SITE;
const PREFIX = "tinyalm-";
const CACHE = PREFIX + digest;
const AT_ONCE = 4; // files that are fetched at the same time

self.addEventListener("install", (event) => event.waitUntil(keepAll()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && new URL(url).origin === self.location.origin) {
    event.respondWith(answer(event.request));
  }
});

async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE);
  const left = [...files];
  let kept = 0;
  const worker = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      await keep(cache, file);
      kept++;
      await tell({ kind: "kept", kept, of: files.length });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (error) {
    await caches.delete(CACHE);
    await tell({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function keep(cache: Cache, file: string): Promise<void> {
  const response = await told(new Request(file, { cache: "no-cache" }));
  if (!response.ok) throw new Error(`${file}: not there (${response.status})`);
  const type = response.headers.get("Content-Type") ?? "application/octet-stream";
  // What a static host does not send, this worker does.
  const answered = new Response(response.body, { headers: { ...headers, "Content-Type": type } });
  await cache.put(file, answered);
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const folder = new URL("./", self.location.href).href;
  const page = request.mode === "navigate" && request.url.split(/[?#]/)[0] === folder;
  const asked = page ? "index.html" : request;
  const kept = await caches.match(asked, { ignoreSearch: page });
  if (kept) return kept;
  const file = request.url.slice(folder.length);
  // Where everything was forgotten, nothing is kept again.
  if (!later.includes(file) || !(await caches.has(CACHE))) return told(request);
  await keep(await caches.open(CACHE), file);
  return (await caches.match(request)) ?? told(request);
}

/** Fetches, and tells the page that it did. */
async function told(request: Request): Promise<Response> {
  await tell({ kind: "fetched", url: request.url });
  return fetch(request);
}

async function tell(message: object): Promise<void> {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage(message);
}
