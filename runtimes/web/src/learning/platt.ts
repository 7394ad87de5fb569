/** From scores to probabilities. */

const STEPS = 100;
const LONGEST_STEP = 5;
const PRECISION = 1e-8;

/**
 * Fits `1 / (1 + exp(-(scale * score + bias)))` by maximum likelihood (Platt 1999). Scores where
 * it applies weigh as much together as those where it does not.
 */
export function fitLogistic(
  scores: Float64Array,
  applies: readonly boolean[],
): { scale: number; bias: number } {
  const count = scores.length;
  const positive = applies.filter(Boolean).length;
  const negative = count - positive;
  const middle = scores.reduce((sum, score) => sum + score, 0) / count;
  const variance = scores.reduce((sum, score) => sum + (score - middle) ** 2, 0) / count;
  const spread = Math.max(Math.sqrt(variance), 1e-12);
  let slope = 0;
  let offset = 0;
  for (let step = 0; step < STEPS; step++) {
    let g0 = 0;
    let g1 = 0;
    let h00 = 1e-9;
    let h01 = 0;
    let h11 = 1e-9;
    scores.forEach((score, i) => {
      const input = (score - middle) / spread;
      const probability = 0.5 + 0.5 * Math.tanh(0.5 * (input * slope + offset));
      const weight = applies[i] ? 0.5 / positive : 0.5 / negative;
      // Platt's targets, a little inside 0 and 1, keep separable scores from an infinite slope.
      const target = applies[i] ? (positive + 1) / (positive + 2) : 1 / (negative + 2);
      const pull = weight * (probability - target);
      const curvature = weight * probability * (1 - probability);
      g0 += pull * input;
      g1 += pull;
      h00 += curvature * input * input;
      h01 += curvature * input;
      h11 += curvature;
    });
    const determinant = h00 * h11 - h01 * h01;
    let move0 = (h11 * g0 - h01 * g1) / determinant;
    let move1 = (h00 * g1 - h01 * g0) / determinant;
    const longest = Math.max(Math.abs(move0), Math.abs(move1));
    const shortened = Math.min(1, LONGEST_STEP / (longest + 1e-12));
    move0 *= shortened;
    move1 *= shortened;
    slope -= move0;
    offset -= move1;
    if (Math.max(Math.abs(move0), Math.abs(move1)) < PRECISION) break;
  }
  const scale = slope / spread;
  return { scale, bias: offset - scale * middle };
}
