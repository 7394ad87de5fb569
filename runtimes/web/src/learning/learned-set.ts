/** The learned labels of one model. */
import type { LearnedLabel, LearnOptions } from "../api.js";
import type { BundleFiles } from "../bundle/files.js";
import { TinyalmError } from "../errors.js";
import type { TextSide } from "../text/text-side.js";
import { joined } from "../vectors.js";
import { readBackground } from "./background.js";
import { FALSE_ALARM, learnLabel } from "./few-shot.js";

export class LearnedSet {
  private attached: readonly LearnedLabel[] = [];

  constructor(
    private readonly files: BundleFiles,
    private readonly text: TextSide,
  ) {}

  /** Those that are attached. */
  get all(): readonly LearnedLabel[] {
    return this.attached;
  }

  has(label: string): boolean {
    return this.attached.some((one) => one.label === label);
  }

  /** Learns from embeddings, (dim,) each, of the label's recordings and of others; attaches it. */
  async learn(
    label: string,
    examples: readonly Float32Array[],
    others: readonly Float32Array[],
    options: LearnOptions,
  ): Promise<LearnedLabel> {
    const background = await this.background();
    const learned = learnLabel(
      label,
      joined(examples),
      joined([background, ...others]),
      this.files.manifest.embedding_dim,
      options.falseAlarm ?? FALSE_ALARM,
      this.encoder,
    );
    this.attach(learned);
    return learned;
  }

  /** Answers with a label from now on; one of its name is replaced. */
  attach(learned: LearnedLabel): void {
    if (learned.encoder !== this.encoder) {
      throw new TinyalmError(
        "bad-setting",
        `"${learned.label}" was learned with another model than ${this.files.manifest.name}; ` +
          "learn it again",
      );
    }
    this.attached = [...this.attached.filter(({ label }) => label !== learned.label), learned];
  }

  forget(label: string): void {
    if (!this.has(label)) {
      throw new TinyalmError("bad-setting", `no learned label is named "${label}"`);
    }
    this.attached = this.attached.filter((one) => one.label !== label);
  }

  private get encoder(): string {
    return this.files.hash(this.files.manifest.audio.file);
  }

  /** What a bundle has for learned labels to be told from, (n * dim,). */
  private async background(): Promise<Float32Array> {
    const { background, labels, text, label_pack, embedding_dim } = this.files.manifest;
    if (background !== null) {
      const raw = await this.files.read(background);
      return readBackground(raw, this.files.address(background), embedding_dim);
    }
    if (labels.length > 0 && (text || label_pack !== null)) {
      return (await this.text.embedLabels(labels, undefined, true)).embeddings;
    }
    return new Float32Array(0);
  }
}
