/** Loads a bundle, in a worker where there are workers. */
import type { Load } from "./api.js";
import { folderOf } from "./bundle/files.js";
import { Line } from "./worker/line.js";
import { RemoteModel } from "./worker/remote-model.js";

export const load: Load = async (url, options = {}) => {
  const { worker = typeof document !== "undefined", wasmPaths, policy, ...others } = options;
  const folder = folderOf(url).href;
  const base = (globalThis as { document?: Document }).document?.baseURI;
  // Addresses are the page's, wherever the worker lies.
  const paths = wasmPaths ?? (base ? "ort/" : undefined);
  const address = typeof policy === "string" || policy instanceof URL;
  const given = {
    ...others,
    ...(paths && { wasmPaths: folderOf(paths).href }),
    ...(policy && { policy: address && base ? new URL(policy, base).href : policy }),
  };
  if (!worker) {
    const { loadLocal } = await import("./load-local.js");
    return loadLocal(folder, given);
  }
  const started = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
  return RemoteModel.load(new Line(started), folder, given);
};
