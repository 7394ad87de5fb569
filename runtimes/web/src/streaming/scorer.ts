/** One window's embedding against every label: the numbers that thresholds are compared with. */
import type { LabelEmbeddings, LearnedLabel } from "../api.js";
import { asLabels, probability, type Scale } from "../scoring.js";
import { cosines } from "../vectors.js";

/** Scores windows as `score` does, but every label and no ranking. */
export class WindowScorer {
  /** Those asked, then those learned. */
  readonly labels: readonly string[];
  /** Scores below which a label is not answered; undefined for none. */
  readonly thresholds: readonly (number | undefined)[];
  private readonly groups: readonly [LabelEmbeddings, Scale][];

  constructor(asked: LabelEmbeddings, calibration: Scale, learned: readonly LearnedLabel[]) {
    this.groups = [
      [asked, calibration],
      ...learned.map((one): [LabelEmbeddings, Scale] => [asLabels(one), one]),
    ];
    this.labels = this.groups.flatMap(([group]) => group.labels);
    this.thresholds = this.groups.flatMap(([{ labels, thresholds }, scale]) =>
      labels.map((_, at) => thresholds && probability(thresholds[at] as number, scale)),
    );
  }

  /** The scores of a window's embedding, (dim,): (labels,) in [0, 1]. */
  scores(embedding: Float32Array): Float64Array {
    const scores = this.groups.flatMap(([{ embeddings }, scale]) =>
      Array.from(cosines(embeddings, embedding), (cosine) => probability(cosine, scale)),
    );
    return Float64Array.from(scores);
  }
}
