/** The exported page behind `tinyalm serve`, and a proxy that counts what it sends. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const TINYALM = process.env.TINYALM ?? "tinyalm";
const LIBRARY = resolve(import.meta.dirname, "../dist");

/** Bytes of bodies that were sent, by path. */
export type Sent = Map<string, number>;

export class Site {
  readonly sent: Sent = new Map();
  /** Changes what is answered at a path. */
  alter: ((path: string, body: Buffer) => Buffer | undefined) | undefined;

  private constructor(
    readonly folder: string,
    private readonly process: ChildProcess,
    private readonly proxy: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), "tinyalm-e2e-"));
    execFileSync(TINYALM, ["export", "micro", "--to", "web", "--out", folder]);
    cpSync(LIBRARY, join(folder, "library"), { recursive: true });
    const served = spawn(TINYALM, ["serve", folder, "--port", "0", "--no-browser"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(served.stdout, "data")) as [Buffer];
    const origin = line.toString().split(" ")[0] as string;
    const proxy = createServer((asked, answer) => {
      const path = asked.url ?? "/";
      const options = { method: asked.method, headers: { ...asked.headers } };
      if (site.alter) delete options.headers["accept-encoding"];
      const forwarded = request(new URL(path, origin), options, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const whole = Buffer.concat(parts);
          const body = site.alter?.(path, whole) ?? whole;
          site.sent.set(path, (site.sent.get(path) ?? 0) + body.length);
          const headers = { ...response.headers, "content-length": String(body.length) };
          answer.writeHead(response.statusCode ?? 500, headers).end(body);
        });
      });
      forwarded.on("error", () => answer.destroy());
      forwarded.end();
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    const { port } = proxy.address() as AddressInfo;
    const site = new Site(folder, served, proxy, `http://127.0.0.1:${port}/`);
    return site;
  }

  /** Bytes sent of the files that a test names. */
  bytes(of: (path: string) => boolean = () => true): number {
    return [...this.sent].reduce((sum, [path, bytes]) => sum + (of(path) ? bytes : 0), 0);
  }

  /** Addresses of the bundle and of ONNX Runtime, whose names change with their content. */
  paths(): { bundle: string; ort: string } {
    const names = readdirSync(this.folder);
    const address = (start: string) =>
      `${this.url}${names.find((name) => name.startsWith(start)) ?? ""}/`;
    return { bundle: address("bundle-"), ort: address("ort-") };
  }

  /** Takes the server away. */
  async cut(): Promise<void> {
    this.proxy.closeAllConnections();
    this.proxy.close();
  }

  async stop(): Promise<void> {
    await this.cut();
    this.process.kill("SIGINT");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
