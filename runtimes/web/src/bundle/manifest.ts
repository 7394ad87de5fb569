/** The content of `bundle.json` (docs/bundle.md). */
import { reasonOf, TinyalmError } from "../errors.js";
import {
  anything,
  either,
  list,
  nullable,
  number,
  optional,
  record,
  SchemaError,
  struct,
  text,
  whole,
} from "../schema.js";

export const FORMAT_VERSION = 3;
export const MANIFEST = "bundle.json";
export const REDO = "export the bundle again or fetch a fresh copy";

const tensor = struct({ name: text, dtype: text, shape: list(either(whole, text)) });

const graph = struct({
  file: text,
  precision: text,
  opset: whole,
  parameters: whole,
  inputs: list(tensor),
  outputs: list(tensor),
});

const side = struct({ graph, tokenizer: text, max_tokens: whole });

const windows = struct({ length_s: number, hop_s: number, grid_s: number, min_s: number });

const calibration = struct({ scale: number, bias: number, pairs: whole });

const source = struct({ name: text, clips: whole, licence: text });

const provenance = struct({
  teacher: text,
  teacher_licence: text,
  data: optional(list(source), []),
  recipe: optional(record(anything), {}),
  metrics: optional(record(number), {}),
  created_by: text,
});

const manifest = struct({
  format_version: whole,
  name: text,
  embedding_dim: whole,
  frontend: record(anything),
  program: text,
  windows,
  audio: graph,
  features: nullable(graph),
  text: nullable(side),
  caption: nullable(side),
  labels: optional(list(text), []),
  label_pack: nullable(text),
  background: nullable(text),
  template: optional(text, "{}"),
  calibration: nullable(calibration),
  parity: optional(list(record(number)), []),
  provenance,
  files: optional(record(struct({ bytes: whole, sha256: text })), {}),
});

export type Manifest = ReturnType<typeof manifest>;
export type GraphInfo = ReturnType<typeof graph>;
export type SideInfo = ReturnType<typeof side>;
export type WindowRule = ReturnType<typeof windows>;
export type Calibration = ReturnType<typeof calibration>;

/**
 * The manifest in `raw`, the bytes of `bundle.json`; messages call it `label`.
 *
 * Another version's fields mean nothing here, so it is refused before they are read.
 */
export function readManifest(raw: Uint8Array, label: string): Manifest {
  try {
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
    checkVersion(content, label);
    const read = manifest(content, MANIFEST);
    checkMeaning(read);
    return read;
  } catch (error) {
    if (error instanceof TinyalmError) throw error;
    throw new TinyalmError(
      "bad-bundle",
      `${label}: no bundle manifest (${reasonOf(error)}); ${REDO}`,
    );
  }
}

function checkVersion(content: unknown, label: string): void {
  const version = (content as { format_version?: unknown } | null)?.format_version;
  if (!Number.isInteger(version)) throw new SchemaError("format_version is no whole number");
  if (version !== FORMAT_VERSION) {
    const remedy = (version as number) > FORMAT_VERSION ? "update @tinyalm/web" : REDO;
    throw new TinyalmError(
      "format-version",
      `${label}: format version ${version}, and this @tinyalm/web reads ${FORMAT_VERSION}; ${remedy}`,
    );
  }
}

function checkMeaning(read: Manifest): void {
  const { length_s, hop_s, grid_s, min_s } = read.windows;
  const windowsFit = hop_s > 0 && hop_s <= length_s && min_s > 0 && min_s <= length_s;
  if (!windowsFit || grid_s <= 0 || hop_s < 0.01) {
    throw new SchemaError("windows contradict each other");
  }
  if (read.calibration && !(read.calibration.scale > 0)) {
    throw new SchemaError(`calibration scale is ${read.calibration.scale}; it must be above 0`);
  }
  const graphs = [read.audio, read.features, read.text?.graph, read.caption?.graph];
  const others = [read.program, read.label_pack, read.background];
  others.push(read.text?.tokenizer ?? null, read.caption?.tokenizer ?? null);
  for (const name of [...graphs.map((one) => one?.file ?? null), ...others]) {
    if (name !== null && !(name in read.files)) {
      throw new SchemaError(`${name} is used but not listed in files`);
    }
  }
  for (const name of Object.keys(read.files)) {
    if (/^\/|\\|:|(^|\/)\.\.(\/|$)/.test(name)) {
      throw new SchemaError(`lists ${JSON.stringify(name)}, a path outside the bundle`);
    }
  }
}
