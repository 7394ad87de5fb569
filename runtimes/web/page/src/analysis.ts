/** From the tags of windows to events, by the rules of a stream (docs/streaming.md). */
import type { ClipTags, Event, Segment, WindowEmbeddings } from "../../src/index.js";
import { EventDetector } from "../../src/streaming/events.js";
import { limits } from "../../src/streaming/rules.js";

const ANSWERS = 400_000; // of all windows together: every label of 12 minutes, more than sound later
const LEAST_TOP = 20;
const LANES = 8;
const LEAST = 1e-9; // a label with a threshold of its own is answered above it alone

/** How many labels of each window are asked for. */
export function topFor({ startS }: WindowEmbeddings): number {
  return Math.max(LEAST_TOP, Math.floor(ANSWERS / Math.max(1, startS.length)));
}

/** What a recording's events and lanes are drawn from. */
export interface Findings {
  tags: ClipTags["tags"];
  segments: Segment[];
  events: Event[];
}

/**
 * @param thresholded labels that have thresholds of their own.
 * @param rate Hz of the samples that times are counted in.
 */
export function findings(
  { tags, segments }: ClipTags,
  thresholded: ReadonlySet<string>,
  rate: number,
): Findings {
  const labels = [...new Set(segments.flatMap((one) => one.tags.map(({ label }) => label)))];
  const at = new Map(labels.map((label, index) => [label, index]));
  const on = labels.map((label) => (thresholded.has(label) ? LEAST : undefined));
  const detector = new EventDetector(labels, limits({}, labels, on, rate), rate);
  const events = segments.flatMap((one) => {
    const scores = new Float64Array(labels.length);
    for (const { label, score } of one.tags) scores[at.get(label) as number] = score;
    return detector.push(Math.round(one.start * rate), Math.round(one.end * rate), scores);
  });
  events.push(...detector.finish());
  events.sort((one, other) => one.start - other.start || other.score - one.score);
  return { tags, segments, events };
}

/** The labels that are worth a lane: the best of the recording. */
export function lanesOf({ tags }: Pick<Findings, "tags">): string[] {
  return tags.slice(0, LANES).map(({ label }) => label);
}

/** The windows that a stretch of a recording touches most. */
export function windowsWithin(
  windows: WindowEmbeddings,
  start: number,
  end: number,
): WindowEmbeddings {
  const middle = (at: number) => ((windows.startS[at] ?? 0) + (windows.endS[at] ?? 0)) / 2;
  const all = [...windows.startS.keys()];
  const inside = all.filter((at) => middle(at) >= start && middle(at) <= end);
  const nearest = () => {
    const distance = (at: number) => Math.abs(middle(at) - (start + end) / 2);
    return all.reduce((best, at) => (distance(at) < distance(best) ? at : best), 0);
  };
  const chosen = inside.length > 0 ? inside : [nearest()];
  const { dim } = windows;
  const embeddings = new Float32Array(chosen.length * dim);
  chosen.forEach((from, to) => {
    embeddings.set(windows.embeddings.subarray(from * dim, (from + 1) * dim), to * dim);
  });
  return {
    startS: Float64Array.from(chosen, (one) => windows.startS[one] ?? 0),
    endS: Float64Array.from(chosen, (one) => windows.endS[one] ?? 0),
    embeddings,
    dim,
  };
}

/** Windows that came one by one, as one list. */
export class WindowList {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly rows: Float32Array[] = [];

  get length(): number {
    return this.rows.length;
  }

  add(start: number, end: number, embedding: Float32Array): void {
    this.starts.push(start);
    this.ends.push(end);
    this.rows.push(embedding);
  }

  all(): WindowEmbeddings {
    const dim = this.rows[0]?.length ?? 0;
    const embeddings = new Float32Array(this.rows.length * dim);
    this.rows.forEach((row, at) => {
      embeddings.set(row, at * dim);
    });
    return {
      startS: Float64Array.from(this.starts),
      endS: Float64Array.from(this.ends),
      embeddings,
      dim,
    };
  }
}
