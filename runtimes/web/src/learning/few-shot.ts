/**
 * A few-shot label: regularised least squares over embeddings, in closed form, as
 * `tinyalm.few_shot` has it. The label is told from a background of everyday sounds by ridge
 * regression onto the class indicator (Hastie, Tibshirani & Friedman 2009, 4.2); left-out scores
 * (Allen 1974's PRESS) set calibration and threshold.
 */
import type { LearnedLabel } from "../api.js";
import { TinyalmError } from "../errors.js";
import { dot, row } from "../vectors.js";
import { Cholesky } from "./cholesky.js";
import { fitLogistic } from "./platt.js";

export const FALSE_ALARM = 0.05;
const RIDGE = 1; // penalty, in units of the rows' mean variance
const BACKGROUND = 10; // weight of the background where that of the label is 1
const LEAST_EXAMPLES = 2;
const LEAST_OTHERS = 4;
const LEAST_SCALE = 1e-3;

/**
 * Learns a label from embeddings.
 *
 * @param examples (examples * dim,) rows of unit length.
 * @param others (n * dim,) rows of unit length: sounds that are not the label.
 * @param encoder SHA-256 of the graph whose embeddings they are.
 */
export function learnLabel(
  label: string,
  examples: Float32Array,
  others: Float32Array,
  dim: number,
  falseAlarm: number,
  encoder: string,
): LearnedLabel {
  const count = examples.length / dim;
  const rest = others.length / dim;
  checkNumbers(label, count, rest, falseAlarm);
  const rows = new Float64Array(examples.length + others.length);
  rows.set(examples);
  rows.set(others, examples.length);
  const { weights, offset, leftOut } = ridge(rows, dim, count);
  const length = Math.sqrt(dot(weights, weights));
  const applies = Array.from(leftOut, (_, i) => i < count);
  const fitted = fitLogistic(leftOut, applies);
  const tells = fitted.scale > LEAST_SCALE;
  const scale = tells ? fitted.scale : LEAST_SCALE;
  const bias = tells ? fitted.bias : 0;
  const alarms = leftOut.slice(count).sort((one, other) => other - one);
  const threshold = above(alarms[Math.floor(falseAlarm * rest)] as number);
  return {
    label,
    examples: count,
    falseAlarm,
    embedding: Float32Array.from(weights, (weight) => weight / length),
    scale: Math.fround(scale * length),
    bias: Math.fround(scale * offset + bias),
    threshold: Math.fround((threshold - offset) / length),
    encoder,
  };
}

interface Fit {
  weights: Float64Array;
  offset: number;
  /** (n,) score of each row by the fit to all others. */
  leftOut: Float64Array;
}

/** Ridge regression of the indicator of the first `count` rows, these weighing 1 in all. */
function ridge(rows: Float64Array, dim: number, count: number): Fit {
  const n = rows.length / dim;
  const each = Float64Array.from({ length: n }, (_, i) =>
    i < count ? 1 / count : BACKGROUND / (n - count),
  );
  const total = 1 + BACKGROUND;
  const middle = 1 / total;
  const mean = new Float64Array(dim);
  rows.forEach((value, at) => {
    const d = at % dim;
    mean[d] = (mean[d] as number) + (value * (each[Math.floor(at / dim)] as number)) / total;
  });
  const centred = rows.map((value, at) => value - (mean[at % dim] as number));
  const factor = new Cholesky(scatter(centred, dim, each), dim);
  const pull = new Float64Array(dim);
  const target = (i: number) => (i < count ? 1 : 0);
  for (let i = 0; i < n; i++) {
    const weight = (each[i] as number) * (target(i) - middle);
    for (let d = 0; d < dim; d++) {
      pull[d] = (pull[d] as number) + weight * (centred[i * dim + d] as number);
    }
  }
  const weights = factor.solve(pull);
  const leftOut = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const one = centred.subarray(i * dim, (i + 1) * dim);
    const weight = each[i] as number;
    const half = factor.half(one);
    const leverage = weight / total + weight * dot(half, half);
    const residual = target(i) - middle - dot(one, weights);
    leftOut[i] = target(i) - residual / (1 - leverage);
  }
  return { weights, offset: middle - dot(weights, mean), leftOut };
}

/** (dim * dim,) weighted scatter of centred rows with the penalty on its diagonal. */
function scatter(centred: Float64Array, dim: number, each: Float64Array): Float64Array {
  const sums = new Float64Array(dim * dim);
  for (let i = 0; i < each.length; i++) {
    const one = centred.subarray(i * dim, (i + 1) * dim);
    for (let a = 0; a < dim; a++) {
      const factor = (each[i] as number) * (one[a] as number);
      for (let b = 0; b <= a; b++) {
        sums[a * dim + b] = (sums[a * dim + b] as number) + factor * (one[b] as number);
      }
    }
  }
  let trace = 0;
  for (let a = 0; a < dim; a++) trace += sums[a * dim + a] as number;
  for (let a = 0; a < dim; a++) {
    sums[a * dim + a] = (sums[a * dim + a] as number) + (RIDGE * trace) / dim;
  }
  return sums;
}

function checkNumbers(label: string, examples: number, others: number, falseAlarm: number): void {
  const refusal = (message: string) => new TinyalmError("bad-setting", message);
  if (!(falseAlarm > 0 && falseAlarm < 1)) {
    throw refusal(`falseAlarm is ${falseAlarm}; it must be between 0 and 1`);
  }
  if (examples < LEAST_EXAMPLES) {
    throw refusal(
      `label "${label}" has ${examples} recordings; give at least ${LEAST_EXAMPLES}, best 5 to 20`,
    );
  }
  if (others < LEAST_OTHERS) {
    throw refusal(
      `${others} other sounds to tell the label from, and ${LEAST_OTHERS} are needed: the bundle ` +
        "has no background; give recordings of other sounds",
    );
  }
}

/** The next float64 above `value`. */
function above(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

/** Mean of the windows' embeddings of each recording is one row; see `pooled`. */
export function rowsOf(clips: readonly Float32Array[], dim: number): Float32Array {
  const rows = new Float32Array(clips.length * dim);
  clips.forEach((clip, at) => {
    row(rows, dim, at).set(clip);
  });
  return rows;
}
