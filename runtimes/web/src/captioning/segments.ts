/** Stretches of a recording that sound alike, and their captions as one text. */
import type { CaptionSegment, WindowEmbeddings } from "../api.js";
import { dot, pooled } from "../vectors.js";

const SHORTEST_S = 3; // of a segment
const LONGEST_S = 30;
const ALIKE = 0.5; // least cosine of a stretch to the segment before it that it belongs to
const TOLD = 4; // segments that the text names, the longest ones

/** First window, and the one behind the last. */
export type Span = [number, number];

/** Cuts a recording where it begins to sound otherwise: consecutive spans of all windows. */
export function segment(windows: WindowEmbeddings): Span[] {
  const spans: Span[] = [];
  for (const span of stretches(windows)) {
    const last = spans[spans.length - 1];
    if (last && goesOn(windows, last, span)) last[1] = span[1];
    else spans.push(span);
  }
  return spans;
}

/** The captions of segments as one sentence, in time order; neighbours that say the same are one. */
export function mergedText(segments: readonly CaptionSegment[]): string {
  const told: { text: string; length: number }[] = [];
  for (const { text, start, end } of segments) {
    const last = told[told.length - 1];
    if (text && last?.text === text) last.length += end - start;
    else if (text) told.push({ text, length: end - start });
  }
  const texts = told
    .map((one, at) => ({ ...one, at }))
    .sort((one, other) => other.length - one.length || one.at - other.at)
    .slice(0, TOLD)
    .sort((one, other) => one.at - other.at)
    .map(({ text }) => text)
    .filter((text, at, all) => at === 0 || text !== all[at - 1]);
  return texts.length < 2 ? texts.join("") : `first ${texts.join(", then ")}`;
}

/** Spans of about `SHORTEST_S`; a shorter rest belongs to the last. */
function stretches({ startS, endS }: WindowEmbeddings): Span[] {
  const duration = endS[endS.length - 1] ?? 0;
  const whole = Math.max(1, Math.floor(duration / SHORTEST_S));
  const number = Array.from(startS, (start) =>
    Math.min(Math.floor((start - (startS[0] as number)) / SHORTEST_S), whole - 1),
  );
  const first = number.flatMap((one, at) => (at === 0 || one !== number[at - 1] ? [at] : []));
  return first.map((from, at) => [from, first[at + 1] ?? number.length]);
}

function goesOn(windows: WindowEmbeddings, last: Span, span: Span): boolean {
  const { startS, endS, embeddings, dim } = windows;
  if ((endS[span[1] - 1] as number) - (startS[last[0]] as number) > LONGEST_S) return false;
  const mean = ([from, to]: Span) => pooled(embeddings.subarray(from * dim, to * dim), dim);
  return Math.fround(dot(mean(last), mean(span))) >= ALIKE;
}
