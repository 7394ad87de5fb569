/** Label packs: labels with their vectors in one file (docs/label-packs.md). */
import type { LabelEmbeddings } from "../api.js";
import { sha256 } from "../bundle/files.js";
import { reasonOf, TinyalmError } from "../errors.js";
import { list, nullable, number, SchemaError, struct, text, whole } from "../schema.js";
import { chosenRows, unitRows } from "../vectors.js";
import { checkLabels, fillTemplate } from "./labels.js";

const MAGIC = "tinyalm labels 1";
const HASH = 32;
const REDO = "make it again with 'tinyalm labels'";

const header = struct({
  teacher: text,
  tower: text,
  template: text,
  dim: whole,
  labels: list(text),
  thresholds: nullable(list(number)),
});

/** Reads and verifies the bytes of a label pack; messages call it `label`. */
export async function readLabelPack(
  raw: Uint8Array,
  label = "<label pack>",
): Promise<LabelEmbeddings> {
  const first = raw.indexOf(10);
  const magic = new TextDecoder().decode(raw.subarray(0, Math.max(0, first)));
  if (magic !== MAGIC) {
    const known = magic.startsWith(MAGIC.slice(0, -1));
    const what = known
      ? "a label pack of another version; update @tinyalm/web or"
      : "no label pack;";
    throw new TinyalmError(known ? "format-version" : "bad-setting", `${label}: ${what} ${REDO}`);
  }
  const stated = raw.subarray(-HASH);
  const hash = Array.from(stated, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if ((await sha256(raw.slice(0, -HASH))) !== hash) {
    throw new TinyalmError(
      "wrong-hash",
      `${label}: damaged since it was made (wrong hash); ${REDO}`,
    );
  }
  const second = raw.indexOf(10, first + 1);
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(raw.subarray(first + 1, second)));
    return pack(header(content, "header"), raw.subarray(second + 1, -HASH));
  } catch (error) {
    throw new TinyalmError("bad-setting", `${label}: no label pack (${reasonOf(error)}); ${REDO}`);
  }
}

/** Makes sure that a student of `teacher` with `dim` numbers can use a pack. */
export function checkSpace(labels: LabelEmbeddings, teacher: string, dim: number): void {
  if (labels.dim === dim && (labels.teacher ?? teacher) === teacher) return;
  throw new TinyalmError(
    "bad-setting",
    `the label pack is in the space of ${labels.teacher} (${labels.dim} numbers), and the student ` +
      `in that of ${teacher} (${dim}); make a pack for it`,
  );
}

/** The pack of these labels alone, in their order. */
export function chooseLabels(labels: LabelEmbeddings, wanted: readonly string[]): LabelEmbeddings {
  const rowOf = new Map(labels.labels.map((label, index) => [label, index]));
  const missing = wanted.find((label) => !rowOf.has(label));
  if (missing !== undefined) {
    throw new TinyalmError(
      "no-text",
      `the label pack does not hold "${missing}", and there is no text side to read it; ask for ` +
        "labels of the pack or make one that holds it",
    );
  }
  const rows = wanted.map((label) => rowOf.get(label) as number);
  const { thresholds, ...others } = labels;
  const chosen = { ...others, labels: [...wanted] };
  return {
    ...chosen,
    embeddings: chosenRows(labels.embeddings, labels.dim, rows),
    ...(thresholds && { thresholds: chosenRows(thresholds, 1, rows) }),
  };
}

function pack(read: ReturnType<typeof header>, values: Uint8Array): LabelEmbeddings {
  const { dim, teacher, template, thresholds } = read;
  const labels = checkLabels(read.labels);
  fillTemplate(template, labels);
  if (values.length !== labels.length * dim) throw new SchemaError("vectors are missing");
  if (thresholds && thresholds.length !== labels.length) {
    throw new SchemaError(`${thresholds.length} thresholds of ${labels.length} labels`);
  }
  const rows = new Int8Array(values.buffer, values.byteOffset, values.length);
  const embeddings = unitRows(new Float32Array(rows), dim);
  const kept = thresholds && { thresholds: Float32Array.from(thresholds) };
  return { labels, template, embeddings, dim, teacher, ...kept };
}
