import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { load, readLabelPack, type TinyalmError } from "../src/index.js";
import { SHIPPED } from "./golden.js";
import { type Served, serve } from "./server.js";

const MANIFEST = readFileSync(join(SHIPPED, "bundle.json"), "utf-8");
let served: Served | undefined;
afterEach(() => served?.close());

/** What loading the shipped bundle answers when some of its files are others. */
async function failure(changed: Readonly<Record<string, string>>): Promise<TinyalmError> {
  served = await serve(SHIPPED, changed);
  return load(served.url).then(
    () => {
      throw new Error("it was loaded");
    },
    (error) => error,
  );
}

function manifestWith(change: (manifest: Record<string, unknown>) => void): string {
  const manifest = JSON.parse(MANIFEST);
  change(manifest);
  return JSON.stringify(manifest);
}

describe("a bundle", () => {
  it.each([
    [2, "export the bundle again"],
    [4, "update @tinyalm/web"],
  ])("of format version %i is refused before other fields are read", async (version, remedy) => {
    const error = await failure({ "bundle.json": JSON.stringify({ format_version: version }) });
    expect([error.name, error.code]).toEqual(["TinyalmError", "format-version"]);
    expect(error.message).toContain(`format version ${version}, and this @tinyalm/web reads 3`);
    expect(error.message).toContain(remedy);
  });

  it.each(["audio.onnx", "features.onnx", "frontend.logmel"])("with another %s", async (name) => {
    const error = await failure({ [name]: "something else" });
    expect(error.code).toBe("wrong-hash");
    expect(error.message).toContain(`${name}: altered since the bundle was made`);
  });

  it("without a manifest", async () => {
    served = await serve(join(SHIPPED, ".."));
    const error: TinyalmError = await load(served.url).catch((one) => one);
    expect([error.code, error.message]).toEqual([
      "bad-bundle",
      `${served.url}bundle.json: not there (404); check the address`,
    ]);
  });

  it("that nobody serves", async () => {
    const error: TinyalmError = await load("http://127.0.0.1:9/").catch((one) => one);
    expect(error.code).toBe("missing-file");
  });

  it.each([
    ["no JSON", "{", "no bundle manifest"],
    [
      "an unknown field",
      manifestWith((m) => Object.assign(m, { extra: 1 })),
      "unknown field extra",
    ],
    [
      "a missing field",
      manifestWith((m) => Reflect.deleteProperty(m, "windows")),
      "windows is missing",
    ],
    [
      "a file that is not listed",
      manifestWith((m) => Reflect.deleteProperty(m.files as object, "features.onnx")),
      "features.onnx is used but not listed",
    ],
    [
      "a path outside",
      manifestWith((m) => Object.assign(m.files as object, { "../x": { bytes: 1, sha256: "" } })),
      "a path outside the bundle",
    ],
    [
      "a falling calibration",
      manifestWith((m) => Object.assign(m.calibration as object, { scale: -1 })),
      "calibration scale is -1",
    ],
    [
      "windows that contradict each other",
      manifestWith((m) => Object.assign(m.windows as object, { hop_s: 9 })),
      "windows contradict each other",
    ],
  ])("with %s", async (_, manifest, message) => {
    const error = await failure({ "bundle.json": manifest });
    expect(error.code).toBe("bad-bundle");
    expect(error.message).toContain(message);
    expect(error.message).toContain("export the bundle again");
    expect(error.message).not.toContain("\n");
  });

  it("fetches what is needed alone, and tells the progress", async () => {
    served = await serve(SHIPPED);
    const told: [number, number][] = [];
    const progress = (loaded: number, total: number) => told.push([loaded, total]);
    const model = await load(served.url, { progress });
    const fetched = ["audio.onnx", "bundle.json", "features.onnx", "frontend.logmel"];
    expect([...served.asked].sort()).toEqual(fetched);
    const [loaded, total] = told[told.length - 1] ?? [];
    expect(loaded).toBe(total);
    expect(told.every(([one], at) => one >= (told[at - 1]?.[0] ?? 0))).toBe(true);
    expect(model.info).toMatchObject({
      name: "micro",
      dim: 384,
      sampleRate: 16000,
      bands: 64,
      hasText: true,
      calibrated: true,
      threads: 1,
    });
    expect(model.info.labels.length).toBe(521);
    await model.close();
  });

  it("can be given up while it is fetched", async () => {
    served = await serve(SHIPPED);
    const error: TinyalmError = await load(served.url, { signal: AbortSignal.abort() }).catch(
      (one) => one,
    );
    expect(error.code).toBe("aborted");
  });
});

describe("a label pack", () => {
  const PHRASES = join(SHIPPED, "../../policy/phrases.labels");

  it("is read", async () => {
    const pack = await readLabelPack(readFileSync(PHRASES));
    expect([pack.dim, pack.teacher]).toEqual([384, "yamnet-minilm 1"]);
    expect(pack.embeddings.length).toBe(pack.labels.length * 384);
    const first = pack.embeddings.subarray(0, 384).reduce((sum, x) => sum + x * x, 0);
    expect(first).toBeCloseTo(1, 5);
  });

  it.each([
    ["hello", "no label pack", "bad-setting"],
    ["tinyalm labels 2\n{}", "another version", "format-version"],
    ["tinyalm labels 1\n{}\n012345678901234567890123456789012", "damaged", "wrong-hash"],
  ])("%j is refused", async (content, message, code) => {
    const error: TinyalmError = await readLabelPack(new TextEncoder().encode(content)).catch(
      (one) => one,
    );
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
  });
});
