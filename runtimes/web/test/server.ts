import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

/** A folder on 127.0.0.1. */
export interface Served {
  url: string;
  /** Paths that were asked for. */
  asked: string[];
  close(): Promise<void>;
}

/** Serves the files of a folder; `changed` holds what replaces the content of some. */
export async function serve(
  folder: string,
  changed: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<Served> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(request.url ?? "/")).slice(1);
    asked.push(path);
    response.shouldKeepAlive = false; // a busy machine would find it closed when it comes again
    const file = join(folder, path);
    if (path in changed) response.end(changed[path]);
    else if (existsSync(file) && statSync(file).isFile()) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
