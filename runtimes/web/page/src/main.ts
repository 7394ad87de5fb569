/** The page: loads the bundle beside it and puts the views together. */
import { load, type Task } from "../../src/index.js";
import { App } from "./app.js";
import { byId, bytes, reasonOf } from "./dom.js";
import { Files, listRecordings } from "./files.js";
import { LabelsView } from "./labels-view.js";
import { Live } from "./live.js";
import { notice, shown } from "./notices.js";
import { stop as stopPlaying } from "./player.js";
import { Requests, showKept, showRequests } from "./privacy-view.js";
import { RecordingView } from "./recording-view.js";
import { SearchView } from "./search-view.js";
import { keepOffline, readSite, type Site } from "./site.js";
import { Store } from "./store.js";
import { TeachView } from "./teach-view.js";

declare const ORT_FOLDER: string;

const loading = byId("loading", HTMLElement);
const loadingWhat = byId("loading-what", HTMLElement);
const loadingBar = byId("loading-bar", HTMLProgressElement);

/** Parts of the page, and the task that each needs. */
const PARTS: readonly [string, Task][] = [
  ["record", "listen"],
  ["choose", "embed"],
  ["search-part", "search"],
  ["teach-part", "learn"],
];

async function start(): Promise<void> {
  const site = await readSite();
  const failed = await keepOffline((kept, of) => {
    loadingWhat.textContent = `Fetching the page for offline use: ${kept} of ${of} files`;
    loadingBar.value = kept / of;
  });
  if (failed) notice(`The page works, but not without its server: ${failed}`, "note");
  const model = await loadModel(site);
  const app = new App(model, await Store.open(site.bundle));
  const { name, policy } = model.info;
  byId("model-name", HTMLElement).textContent = name;
  for (const [id, task] of PARTS) byId(id, HTMLElement).hidden = !policy.tasks.includes(task);
  const live = new Live(app);
  new Files(app);
  const view = new RecordingView(app);
  new LabelsView(app);
  new SearchView(app, view);
  new TeachView(app);
  listRecordings(app);
  showKept(app, async () => {
    await live.stop();
    stopPlaying();
  });
  await app.restore();
  loading.hidden = true;
  byId("app", HTMLElement).hidden = false;
}

function loadModel(site: Site) {
  return load(site.bundle, {
    wasmPaths: ORT_FOLDER,
    ...(site.policy && { policy: site.policy }),
    progress: (loaded, total) => {
      loadingWhat.textContent = `Reading the model: ${bytes(loaded)} of ${bytes(total)}`;
      loadingBar.value = loaded / total;
    },
  });
}

showRequests(new Requests());
void shown(() =>
  start().catch((error) => {
    loadingWhat.textContent = "The page could not start.";
    loadingBar.hidden = true;
    throw new Error(reasonOf(error));
  }),
);
