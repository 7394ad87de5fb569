/** The search for the best sentence that a captioner can say, as the Python runtime has it. */
import { END, SPECIAL } from "./vocabulary.js";

const LENGTH_PENALTY = 0.7; // exponent of the length that a log probability is divided by
const NGRAM = 3; // tokens in a row that a sentence never says twice

/** The keys and values of all that came before, of `batch` sentences. */
export interface Past {
  data: Float32Array;
  /** (layers, 2, batch, heads, before, size). */
  shape: readonly number[];
}

/** Scores what comes next: (batch * vocabulary,) logits, and the new past. */
export type Step = (
  embedding: Float32Array | undefined,
  ids: readonly number[],
  past: Past,
) => Promise<{ logits: Float32Array; past: Past }>;

/** A sentence that is followed, or ended: ids behind the first, without `END`. */
interface Beam {
  ids: number[];
  sum: number;
}

interface Ended {
  ids: number[];
  score: number;
}

/**
 * The sentences that beam search finds, best first; a beam of 1 is greedy search. A score is the sum
 * of the tokens' log probabilities over the length to the power of 0.7 (arXiv:1609.08144, eq. 14).
 *
 * @param embedding (dim,) unit length, what is to be said.
 * @param start first token. @param beam sentences that are followed at once.
 * @param maxTokens of a sentence, the first and `END` included.
 */
export async function search(
  step: Step,
  embedding: Float32Array,
  nothing: Past,
  start: number,
  beam: number,
  maxTokens: number,
): Promise<number[][]> {
  let live: Beam[] = [{ ids: [start], sum: 0 }];
  let past = nothing;
  const ended: Ended[] = [];
  for (let length = 1; length < maxTokens; length++) {
    const last = live.map(({ ids }) => ids[ids.length - 1] as number);
    const answer = await step(length === 1 ? embedding : undefined, last, past);
    const norm = length ** LENGTH_PENALTY;
    const next = advance(live, answer.logits, beam, norm, ended);
    live = next.map(({ row, token, sum }) => ({ ids: [...(live[row] as Beam).ids, token], sum }));
    past = chosenPast(
      answer.past,
      next.map(({ row }) => row),
    );
    if (live.length === 0 || decided(live, ended, beam, norm)) break;
  }
  for (const { ids, sum } of live) {
    ended.push({ ids: ids.slice(1), score: sum / (ids.length - 1) ** LENGTH_PENALTY });
  }
  return ended.sort((one, other) => other.score - one.score).map(({ ids }) => ids);
}

interface Next {
  row: number;
  token: number;
  sum: number;
}

/** Lets each sentence go on with the tokens that make the best ones. */
function advance(
  live: readonly Beam[],
  logits: Float32Array,
  beam: number,
  norm: number,
  ended: Ended[],
): Next[] {
  const size = logits.length / live.length;
  const totals: Next[] = [];
  live.forEach(({ ids, sum }, row) => {
    const likely = logProbabilities(logits.subarray(row * size, (row + 1) * size), ids);
    likely.forEach((value, token) => {
      if (value > Number.NEGATIVE_INFINITY) totals.push({ row, token, sum: sum + value });
    });
  });
  // Twice as many as are followed: at most half of them end here.
  totals.sort((a, b) => b.sum - a.sum || a.row - b.row || a.token - b.token);
  const kept: Next[] = [];
  totals.slice(0, 2 * beam).forEach((one, rank) => {
    if (one.token !== END) kept.push(one);
    else if (rank < beam) {
      ended.push({ ids: (live[one.row] as Beam).ids.slice(1), score: one.sum / norm });
    }
  });
  return beam === 1 && ended.length > 0 ? [] : kept.slice(0, beam);
}

/** Whether as many sentences have ended as are followed, and none that goes on is better. */
function decided(
  live: readonly Beam[],
  ended: readonly Ended[],
  beam: number,
  norm: number,
): boolean {
  if (ended.length < beam) return false;
  const best = Math.max(...ended.map(({ score }) => score));
  return best >= Math.max(...live.map(({ sum }) => sum)) / norm;
}

/** Of each next token, (vocabulary,); -Infinity for what must not be said. */
function logProbabilities(logits: Float32Array, said: readonly number[]): Float64Array {
  const most = logits.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  const likely = Float64Array.from(logits, (value) => value - most - Math.log(sum));
  const never = [said[said.length - 1] as number, ...repeated(said)];
  for (let id = 0; id < SPECIAL.length; id++) if (id !== END) never.push(id);
  if (said.length === 1) never.push(END); // no sentence is empty
  for (const id of never) likely[id] = Number.NEGATIVE_INFINITY;
  return likely;
}

/** Tokens that would say again what stood behind the last ones before. */
function repeated(said: readonly number[]): number[] {
  const last = said.slice(1 - NGRAM).join();
  const starts = said.map((_, at) => at).slice(1, Math.max(1, said.length - NGRAM + 1));
  return starts
    .filter((at) => said.slice(at, at + NGRAM - 1).join() === last)
    .map((at) => said[at + NGRAM - 1] as number);
}

/** The past of some of the sentences, in their order. */
function chosenPast({ data, shape }: Past, rows: readonly number[]): Past {
  const [layers = 0, two = 0, batch = 0, ...rest] = shape;
  const size = rest.reduce((product, length) => product * length, 1);
  const chosen = new Float32Array(layers * two * rows.length * size);
  let at = 0;
  for (let outer = 0; outer < layers * two; outer++) {
    for (const row of rows) {
      chosen.set(data.subarray((outer * batch + row) * size, (outer * batch + row + 1) * size), at);
      at += size;
    }
  }
  return { data: chosen, shape: [layers, two, rows.length, ...rest] };
}
