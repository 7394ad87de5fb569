/** Embeddings of windows against embeddings of labels: from cosines to tags. */
import type { ClipTags, LabelEmbeddings, LearnedLabel, Tag, WindowEmbeddings } from "./api.js";
import type { Calibration } from "./bundle/manifest.js";
import { TinyalmError } from "./errors.js";
import { cosines, pooled, ranked, row } from "./vectors.js";

/** What turns a cosine into a score; null where cosines are the scores. */
export type Scale = Pick<Calibration, "scale" | "bias"> | null;

/**
 * Scores every label on a recording and on each of its windows, as `tinyalm.scoring` does.
 *
 * @param topK how many of the best labels to answer, at most.
 * @param learned further labels; each brings its own calibration.
 */
export function score(
  windows: WindowEmbeddings,
  labels: LabelEmbeddings,
  calibration: Scale,
  topK: number,
  learned: readonly LearnedLabel[],
): ClipTags {
  checkTopK(topK);
  const duration = windows.endS[windows.endS.length - 1] ?? 0;
  let best = answers(windows, labels, calibration, topK, duration);
  for (const one of learned) {
    best = merged(best, answers(windows, asLabels(one), one, topK, duration), topK);
  }
  return best;
}

/** Refuses what is no number of answers. */
export function checkTopK(topK: number): void {
  if (!(topK >= 1)) {
    throw new TinyalmError("bad-setting", `topK is ${topK}; it must be at least 1`);
  }
}

/** A cosine to a score in [0, 1]: the calibrated probability, or the cosine, 0 where negative. */
export function probability(cosine: number, calibration: Scale): number {
  if (calibration === null) return Math.min(1, Math.max(0, cosine));
  // The logistic function as a tanh, which does not overflow.
  return 0.5 + 0.5 * Math.tanh(0.5 * (calibration.scale * cosine + calibration.bias));
}

/** A learned label as a list of one label. */
export function asLabels(one: LearnedLabel): LabelEmbeddings {
  return {
    labels: [one.label],
    template: "{}",
    embeddings: one.embedding,
    dim: one.embedding.length,
    thresholds: Float32Array.of(one.threshold),
  };
}

function answers(
  windows: WindowEmbeddings,
  labels: LabelEmbeddings,
  calibration: Scale,
  topK: number,
  duration: number,
): ClipTags {
  const count = labels.labels.length;
  const peak = new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
  const strongest = new Uint32Array(count);
  const spans = Array.from(windows.startS, (start, index) => ({
    start,
    end: windows.endS[index] as number,
  }));
  const segments = spans.map((span, index) => {
    const found = cosines(labels.embeddings, row(windows.embeddings, windows.dim, index));
    found.forEach((cosine, label) => {
      if (cosine > (peak[label] as number)) {
        peak[label] = cosine;
        strongest[label] = index;
      }
    });
    return { ...span, tags: tagsOf(labels, found, topK, calibration, () => span) };
  });
  const clip = cosines(labels.embeddings, pooled(windows.embeddings, windows.dim));
  const spanOf = (label: number) => spans[strongest[label] as number] as Span;
  return { tags: tagsOf(labels, clip, topK, calibration, spanOf), segments, duration };
}

interface Span {
  start: number;
  end: number;
}

/** The best labels that reach their thresholds. */
function tagsOf(
  labels: LabelEmbeddings,
  found: Float32Array,
  topK: number,
  calibration: Scale,
  spanOf: (label: number) => Span,
): Tag[] {
  const { thresholds } = labels;
  return ranked(found)
    .filter((at) => !thresholds || (found[at] as number) >= (thresholds[at] as number))
    .slice(0, topK)
    .map((at) => {
      const cosine = found[at] as number;
      return {
        label: labels.labels[at] as string,
        score: probability(cosine, calibration),
        // Rounding can put the product of two unit vectors a last bit above 1.
        similarity: Math.min(1, Math.max(-1, cosine)),
        ...spanOf(at),
      };
    });
}

/** Two answers about one recording as one, by score. */
function merged(ours: ClipTags, theirs: ClipTags, topK: number): ClipTags {
  return {
    tags: byScore([...ours.tags, ...theirs.tags], topK),
    segments: ours.segments.map((segment, index) => ({
      ...segment,
      tags: byScore([...segment.tags, ...(theirs.segments[index]?.tags ?? [])], topK),
    })),
    duration: ours.duration,
  };
}

function byScore(tags: Tag[], topK: number): Tag[] {
  return tags
    .sort((one, other) => other.score - one.score || other.similarity - one.similarity)
    .slice(0, topK);
}
