/** The text side of a bundle: its labels, its label pack, and the graph that reads texts. */
import type { LabelEmbeddings } from "../api.js";
import type { BundleFiles } from "../bundle/files.js";
import { Encoder } from "../encoder.js";
import type { Engine } from "../engine.js";
import { TinyalmError } from "../errors.js";
import { checkSpace, chooseLabels, readLabelPack } from "./label-pack.js";
import { fillTemplate } from "./labels.js";
import { Tokenizer } from "./tokenizer.js";

const TEXT_BATCH = 256;

interface Opened {
  tokenizer: Tokenizer;
  encoder: Encoder;
}

/** What a bundle has for texts, fetched and opened when it is first needed. */
export class TextSide {
  private opening: Promise<Opened> | undefined;
  private reading: Promise<LabelEmbeddings> | undefined;
  private last: LabelEmbeddings | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly files: BundleFiles,
  ) {}

  /** Embeds n texts as they stand: (n * dim,), rows of unit length. */
  async embed(texts: readonly string[]): Promise<Float32Array> {
    const { tokenizer, encoder } = await this.opened();
    const dim = this.files.manifest.embedding_dim;
    const ids = texts.map((text) => tokenizer.encode(text));
    const rows = new Float32Array(texts.length * dim);
    for (const chunk of equallyLong(ids)) {
      const embedded = await encoder.embed(
        inputsOf(chunk.map((at) => ids[at] ?? [])),
        chunk.length,
      );
      chunk.forEach((at, index) => {
        rows.set(embedded.subarray(index * dim, (index + 1) * dim), at * dim);
      });
    }
    return rows;
  }

  /**
   * Embeds labels, each in its template; the last list is remembered.
   *
   * @param own whether they are the bundle's own, which its label pack answers for.
   */
  async embedLabels(
    labels: readonly string[],
    template = this.files.manifest.template,
    own = false,
  ): Promise<LabelEmbeddings> {
    const dim = this.files.manifest.embedding_dim;
    if (labels.length === 0) {
      return { labels: [], template, embeddings: new Float32Array(0), dim };
    }
    const pack = await this.pack();
    if (pack && template === pack.template && (own || !this.files.manifest.text)) {
      return chooseLabels(pack, labels);
    }
    const last = this.last;
    if (last?.template === template && same(last.labels, labels)) return last;
    const embeddings = await this.embed(fillTemplate(template, labels));
    this.last = { labels: [...labels], template, embeddings, dim };
    return this.last;
  }

  /** Frees the graph. */
  async release(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    await opened?.encoder.release();
  }

  private async pack(): Promise<LabelEmbeddings | undefined> {
    const { label_pack: file, provenance, embedding_dim } = this.files.manifest;
    if (file === null) return undefined;
    this.reading ??= this.files
      .read(file)
      .then((raw) => readLabelPack(raw, this.files.address(file)));
    this.reading.catch(() => {
      this.reading = undefined;
    });
    const pack = await this.reading;
    checkSpace(pack, provenance.teacher, embedding_dim);
    return pack;
  }

  private opened(): Promise<Opened> {
    this.opening ??= this.open();
    this.opening.catch(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async open(): Promise<Opened> {
    const info = this.files.manifest.text;
    if (!info) {
      throw new TinyalmError(
        "no-text",
        `${this.files.manifest.name}: the bundle has no text side; export it with one`,
      );
    }
    const [raw, encoder] = await Promise.all([
      this.files.read(info.tokenizer),
      Encoder.open(this.engine, this.files, info.graph),
    ]);
    this.files.drop(info.graph.file);
    const label = this.files.address(info.tokenizer);
    return { tokenizer: Tokenizer.read(raw, label, info.max_tokens), encoder };
  }
}

/** Positions of texts that are equally long, in batches, so that nothing is padded. */
function equallyLong(ids: readonly number[][]): number[][] {
  const byLength = new Map<number, number[]>();
  ids.forEach(({ length }, at) => {
    byLength.set(length, [...(byLength.get(length) ?? []), at]);
  });
  const chunks: number[][] = [];
  for (const rows of byLength.values()) {
    for (let at = 0; at < rows.length; at += TEXT_BATCH)
      chunks.push(rows.slice(at, at + TEXT_BATCH));
  }
  return chunks;
}

function inputsOf(ids: readonly number[][]) {
  const shape = [ids.length, ids[0]?.length ?? 0];
  const flat = BigInt64Array.from(ids.flat(), BigInt);
  return {
    input_ids: { data: flat, shape },
    attention_mask: { data: new BigInt64Array(flat.length).fill(1n), shape },
  };
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
