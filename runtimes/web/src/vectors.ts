/** Small linear algebra on rows of one Float32Array. */

const TINY = 1.1754943508222875e-38; // the least normal float32

/** Vector `index` of `rows`, (rows * dim,), as a view of dim numbers. */
export function row(rows: Float32Array, dim: number, index: number): Float32Array {
  return rows.subarray(index * dim, (index + 1) * dim);
}

/** Dot product in float64. */
export function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] as number) * (other[i] as number);
  return sum;
}

/** Scales each row of `rows`, (rows * dim,), to length 1, in place; zeros stay. */
export function unitRows(rows: Float32Array, dim: number): Float32Array {
  for (let at = 0; at < rows.length; at += dim) {
    const one = rows.subarray(at, at + dim);
    const length = Math.max(Math.sqrt(dot(one, one)), TINY);
    for (let i = 0; i < dim; i++) one[i] = (one[i] as number) / length;
  }
  return rows;
}

/** The mean of rows, (rows * dim,), scaled to length 1: (dim,). */
export function pooled(rows: Float32Array, dim: number): Float32Array {
  const sums = new Float64Array(dim);
  for (let at = 0; at < rows.length; at++) {
    sums[at % dim] = (sums[at % dim] as number) + (rows[at] as number);
  }
  const count = rows.length / dim;
  return unitRows(
    Float32Array.from(sums, (sum) => sum / count),
    dim,
  );
}

/** Cosines of one vector, (dim,), to each of `rows`, (rows * dim,): float32, as Python has them. */
export function cosines(rows: Float32Array, vector: Float32Array): Float32Array {
  const dim = vector.length;
  const found = new Float32Array(rows.length / dim);
  for (let i = 0; i < found.length; i++) {
    // Not `dot`: one loop over one kind of array is several times as fast.
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += (rows[i * dim + d] as number) * (vector[d] as number);
    found[i] = sum;
  }
  return found;
}

/** Positions of the highest values, best first; of two equal ones the earlier first. */
export function ranked(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[b] as number) - (values[a] as number) || a - b,
  );
}

/** Rows `which` of `rows`, (rows * dim,), as a new array. */
export function chosenRows(
  rows: Float32Array,
  dim: number,
  which: readonly number[],
): Float32Array {
  const chosen = new Float32Array(which.length * dim);
  which.forEach((index, at) => {
    chosen.set(row(rows, dim, index), at * dim);
  });
  return chosen;
}

/** Several arrays as one. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
