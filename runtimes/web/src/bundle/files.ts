/** Fetches the files of a bundle, each checked against the hash that the manifest states. */
import { reasonOf, TinyalmError } from "../errors.js";
import { MANIFEST, type Manifest, REDO, readManifest } from "./manifest.js";

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  progress?: ((loadedBytes: number, totalBytes: number) => void) | undefined;
}

/** A bundle's folder on a server, and its manifest. */
export class BundleFiles {
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  private constructor(
    private readonly folder: URL,
    readonly manifest: Manifest,
  ) {}

  /** Opens the bundle at `url`, the folder that holds `bundle.json`. */
  static async open(url: string | URL, options: FetchOptions): Promise<BundleFiles> {
    const folder = folderOf(url);
    const address = new URL(MANIFEST, folder);
    const raw = await fetched(address, options.signal, "bad-bundle");
    return new BundleFiles(folder, readManifest(raw, address.href));
  }

  /** Address of a file, as messages call it. */
  address(name: string): string {
    return new URL(name.split("/").map(encodeURIComponent).join("/"), this.folder).href;
  }

  /** SHA-256 of a file, hexadecimal, as the manifest states it. */
  hash(name: string): string {
    return this.manifest.files[name]?.sha256 ?? "";
  }

  /** The content of a file; it is fetched once, and again where that failed. */
  read(name: string, options: FetchOptions = {}): Promise<Uint8Array> {
    const kept = this.kept.get(name);
    if (kept) return kept;
    const reading = this.verified(name, options);
    this.kept.set(name, reading);
    reading.catch(() => this.kept.delete(name));
    return reading;
  }

  /** Forgets the content of a file that will not be needed again. */
  drop(name: string): void {
    this.kept.delete(name);
  }

  /** Fetches several files at once and tells the progress of all of them together. */
  async readAll(names: readonly string[], options: FetchOptions): Promise<void> {
    const total = names.reduce((sum, name) => sum + (this.manifest.files[name]?.bytes ?? 0), 0);
    let loaded = 0;
    const progress = (bytes: number) => {
      loaded += bytes;
      options.progress?.(loaded, total);
    };
    await Promise.all(names.map((name) => this.read(name, { ...options, progress })));
  }

  private async verified(name: string, options: FetchOptions): Promise<Uint8Array> {
    const address = this.address(name);
    const info = this.manifest.files[name];
    if (!info) throw new TinyalmError("bad-bundle", `${address}: not listed in files; ${REDO}`);
    const progress = options.progress && ((bytes: number) => options.progress?.(bytes, info.bytes));
    const content = await fetched(new URL(address), options.signal, "missing-file", progress);
    if (content.length !== info.bytes || (await sha256(content)) !== info.sha256) {
      throw new TinyalmError(
        "wrong-hash",
        `${address}: altered since the bundle was made (wrong hash); ${REDO}`,
      );
    }
    return content;
  }
}

/** SHA-256 in hexadecimal. */
export async function sha256(content: Uint8Array): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new TinyalmError(
      "engine",
      "hashes cannot be checked on an insecure page; serve it over https or from 127.0.0.1",
    );
  }
  const hash = await crypto.subtle.digest("SHA-256", content as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A folder's address with the slash at its end, relative to the page where it is relative. */
export function folderOf(url: string | URL): URL {
  const base = (globalThis as { document?: Document }).document?.baseURI;
  try {
    const folder = new URL(url, base ?? globalThis.location?.href);
    if (!folder.pathname.endsWith("/")) folder.pathname += "/";
    return folder;
  } catch {
    throw new TinyalmError("bad-setting", `${url}: no address; give that of a bundle's folder`);
  }
}

/** The bytes at an address, told to `progress` as they come. */
export async function fetched(
  address: URL,
  signal: AbortSignal | undefined,
  missing: "bad-bundle" | "missing-file" | "bad-setting",
  progress?: (bytes: number) => void,
): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(address, { signal: signal ?? null });
    if (response.ok) return await received(response, progress);
  } catch (error) {
    if (signal?.aborted) {
      throw new TinyalmError("aborted", "stopped by the caller; call again to start anew");
    }
    throw new TinyalmError(
      "missing-file",
      `${address}: cannot be fetched (${reasonOf(error)}); check the network and the address`,
    );
  }
  throw new TinyalmError(missing, `${address}: not there (${response.status}); check the address`);
}

async function received(
  response: Response,
  progress: ((bytes: number) => void) | undefined,
): Promise<Uint8Array> {
  if (!progress || !response.body) return new Uint8Array(await response.arrayBuffer());
  const parts: Uint8Array[] = [];
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    progress(next.value.length);
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
