/** Factor of a symmetric positive definite matrix: A = L L'. */
export class Cholesky {
  private readonly lower: Float64Array;

  /** @param matrix (size * size,) of which the lower half is read. */
  constructor(
    matrix: Float64Array,
    private readonly size: number,
  ) {
    const l = Float64Array.from(matrix);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = l[i * size + j] as number;
        for (let k = 0; k < j; k++) {
          sum -= (l[i * size + k] as number) * (l[j * size + k] as number);
        }
        l[i * size + j] = i === j ? Math.sqrt(sum) : sum / (l[j * size + j] as number);
      }
    }
    this.lower = l;
  }

  /** L^-1 b, (size,): its squared length is b' A^-1 b. */
  half(given: Float64Array): Float64Array {
    const solved = Float64Array.from(given);
    for (let i = 0; i < this.size; i++) {
      let sum = solved[i] as number;
      for (let k = 0; k < i; k++) sum -= this.at(i, k) * (solved[k] as number);
      solved[i] = sum / this.at(i, i);
    }
    return solved;
  }

  /** A^-1 b, (size,). */
  solve(given: Float64Array): Float64Array {
    const solved = this.half(given);
    for (let i = this.size - 1; i >= 0; i--) {
      let sum = solved[i] as number;
      for (let k = i + 1; k < this.size; k++) sum -= this.at(k, i) * (solved[k] as number);
      solved[i] = sum / this.at(i, i);
    }
    return solved;
  }

  private at(i: number, j: number): number {
    return this.lower[i * this.size + j] as number;
  }
}
