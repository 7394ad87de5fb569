/** The captioner of a bundle: from windows that were heard to captions. */
import type { Caption, CaptionSegment, Style, WindowEmbeddings } from "../api.js";
import type { BundleFiles } from "../bundle/files.js";
import type { SideInfo } from "../bundle/manifest.js";
import type { Engine, Graph } from "../engine.js";
import { TinyalmError } from "../errors.js";
import { probability } from "../scoring.js";
import type { TextSide } from "../text/text-side.js";
import { cosines, dot, joined, pooled, row } from "../vectors.js";
import { type Past, type Step, search } from "./decoding.js";
import { type Grounded, ground } from "./grounding.js";
import { mergedText, type Span, segment } from "./segments.js";
import { STYLES, sentence, Vocabulary } from "./vocabulary.js";

const NOTHING = "nothing recognisable";
const CONFIDENCE = 0.2; // least of a caption that is given
const SILENT = 0.98; // cosine to silence from which on nothing was heard
const REMEDY = "export the bundle again";

interface Opened {
  graph: Graph;
  vocabulary: Vocabulary;
  nothing: Past;
  maxTokens: number;
}

/** What a bundle has for captions, fetched and opened when it is first needed. */
export class CaptionSide {
  private opening: Promise<Opened> | undefined;
  private own: Float32Array | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly files: BundleFiles,
    private readonly text: TextSide,
  ) {}

  /** Captions a recording segment by segment; `silence` is what is heard where there is no sound. */
  async caption(
    windows: WindowEmbeddings,
    silence: Float32Array,
    beam: number,
    style: Style,
  ): Promise<Caption> {
    if (!(beam >= 1))
      throw new TinyalmError("bad-setting", `beam is ${beam}; it must be at least 1`);
    if (!(style in STYLES)) {
      throw new TinyalmError("bad-setting", `style is ${style}; it is full or short`);
    }
    const opened = await this.opened();
    const segments: CaptionSegment[] = [];
    for (const span of segment(windows)) {
      segments.push(await this.segment(opened, windows, span, silence, beam, STYLES[style]));
    }
    const length = segments.reduce((sum, { start, end }) => sum + end - start, 0);
    const weighed = segments.reduce((sum, one) => sum + one.confidence * (one.end - one.start), 0);
    return {
      text: mergedText(segments) || NOTHING,
      confidence: weighed / length,
      segments,
      duration: windows.endS[windows.endS.length - 1] ?? 0,
    };
  }

  /** Refuses where there is no captioner, before anything is heard. */
  check(): SideInfo {
    const info = this.files.manifest.caption;
    if (info) return info;
    throw new TinyalmError(
      "no-captioner",
      `${this.files.manifest.name}: the bundle has no captioner; export it with --captioner`,
    );
  }

  /** Frees the graph. */
  async release(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    await opened?.graph.release();
  }

  private async segment(
    { graph, vocabulary, nothing, maxTokens }: Opened,
    windows: WindowEmbeddings,
    [first, stop]: Span,
    silence: Float32Array,
    beam: number,
    start: number,
  ): Promise<CaptionSegment> {
    const { dim, embeddings } = windows;
    const span = { start: windows.startS[first] as number, end: windows.endS[stop - 1] as number };
    const heard = Array.from({ length: stop - first }, (_, at) => row(embeddings, dim, first + at));
    const sounds = heard.filter((one) => Math.fround(dot(one, silence)) < SILENT);
    if (sounds.length === 0) return { ...span, text: "", confidence: 0, words: [] };
    const clip = pooled(joined(sounds), dim);
    const step = stepOf(graph, dim);
    const found = await search(step, clip, nothing, start, beam, maxTokens);
    const said = found.map((ids) => vocabulary.words(ids));
    const { words, checked } = await this.grounded(said, [clip, ...sounds]);
    const confidence = await this.confidence(words, clip);
    const text = confidence >= CONFIDENCE ? sentence(words) : "";
    return { ...span, text, confidence, words: checked };
  }

  private async grounded(
    said: readonly string[][],
    heard: readonly Float32Array[],
  ): Promise<Grounded> {
    const { text, calibration } = this.files.manifest;
    if (!text) return { words: said[0] ?? [], checked: [] };
    const embed = (texts: readonly string[]) => this.text.embed(texts);
    return ground(said, heard, await this.labels(), embed, calibration);
  }

  /** (labels * dim,) the bundle's own. */
  private async labels(): Promise<Float32Array> {
    this.own ??= (
      await this.text.embedLabels(this.files.manifest.labels, undefined, true)
    ).embeddings;
    return this.own;
  }

  /** Probability that the sentence applies; of a bundle without text, that some label does. */
  private async confidence(words: readonly string[], clip: Float32Array): Promise<number> {
    if (words.length === 0) return 0;
    const { text, calibration } = this.files.manifest;
    const rows = text ? await this.text.embed([sentence(words)]) : await this.labels();
    const found = cosines(rows, clip);
    return Math.max(0, ...Array.from(found, (cosine) => probability(cosine, calibration)));
  }

  private opened(): Promise<Opened> {
    this.opening ??= this.open();
    this.opening.catch(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async open(): Promise<Opened> {
    const info = this.check();
    const { graph } = info;
    const shapes = new Map(
      [...graph.inputs, ...graph.outputs].map(({ name, shape }) => [name, shape]),
    );
    const [layers, two, , heads, , size] = shapes.get("past") ?? [];
    const vocabulary = shapes.get("logits")?.at(-1);
    const sizes = [layers, two, heads, size, vocabulary];
    const dim = shapes.get("embedding")?.at(-1);
    const fits = sizes.every(Number.isInteger) && two === 2 && shapes.has("present");
    if (!fits || dim !== this.files.manifest.embedding_dim) {
      throw new TinyalmError(
        "bad-bundle",
        `${this.files.address(graph.file)}: the manifest describes no captioner of ` +
          `${this.files.manifest.embedding_dim} numbers; ${REMEDY}`,
      );
    }
    const [opened, words] = await Promise.all([
      this.engine.open(this.files, graph),
      this.files.read(info.tokenizer),
    ]);
    this.files.drop(graph.file);
    return {
      graph: opened,
      vocabulary: new Vocabulary(words, this.files.address(info.tokenizer), vocabulary as number),
      nothing: {
        data: new Float32Array(0),
        shape: [layers as number, 2, 1, heads as number, 0, size as number],
      },
      maxTokens: info.max_tokens,
    };
  }
}

/** One step of a captioner's graph; docs/bundle.md. */
function stepOf(graph: Graph, dim: number): Step {
  return async (embedding, ids, past) => {
    const answer = await graph.run({
      embedding: {
        data: embedding ?? new Float32Array(0),
        shape: [ids.length, embedding ? 1 : 0, dim],
      },
      input_ids: { data: BigInt64Array.from(ids, BigInt), shape: [ids.length, 1] },
      past,
    });
    const { logits, present } = answer;
    if (!logits || !present || !logits.data.every(Number.isFinite)) {
      throw new TinyalmError("engine", `${graph.address}: answers with no numbers; ${REMEDY}`);
    }
    return { logits: logits.data, past: present };
  };
}
