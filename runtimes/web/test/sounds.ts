/** Sounds that Python and TypeScript make alike (`sounds.py`), so that none need be kept. */

export type Piece = [kind: string, seconds: number, a: number, b: number];

/** Pieces one after the other, (samples,). */
export function sound(pieces: readonly Piece[], rate: number): Float32Array {
  const made = pieces.map((piece) => samplesOf(piece, rate));
  const all = new Float32Array(made.reduce((sum, one) => sum + one.length, 0));
  made.reduce((at, one) => {
    all.set(one, at);
    return at + one.length;
  }, 0);
  return all;
}

function samplesOf([kind, seconds, a, b]: Piece, rate: number): Float32Array {
  const count = Math.floor(seconds * rate + 0.5);
  const random = kind === "noise" || kind === "bursts" ? randomOf(a) : () => 0;
  return Float32Array.from({ length: count }, (_, i) => {
    const t = i / rate;
    switch (kind) {
      case "tone":
        return 0.4 * Math.sin(2 * Math.PI * a * t) * (Math.floor(t * b) % 2 === 0 ? 1 : 0);
      case "chirp":
        return 0.4 * Math.sin(2 * Math.PI * (a * t + ((b - a) * t * t) / (2 * seconds)));
      case "noise":
        return b * random();
      default:
        return 0.8 * random() * Math.exp(-12 * (t * b - Math.floor(t * b)));
    }
  });
}

/** Numbers in [-1, 1) of a linear congruential generator (Numerical Recipes). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
