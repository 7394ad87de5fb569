/** Complex discrete Fourier transform in float64, for sizes that are products of 2, 3 and 5. */

/** X[k] = sum of x[n] exp(-2 pi i k n / size), by Stockham's autosort algorithm. */
export class Fft {
  private readonly radices: number[] = [];
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;
  private real: Float64Array;
  private imag: Float64Array;

  constructor(readonly size: number) {
    let rest = size;
    for (const radix of [4, 2, 3, 5]) {
      for (; rest % radix === 0; rest /= radix) this.radices.push(radix);
    }
    if (rest !== 1) throw new RangeError(`a DFT of ${size} points`);
    this.cos = Float64Array.from({ length: size }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: size }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.real = new Float64Array(size);
    this.imag = new Float64Array(size);
  }

  /** Transforms (size,) in place of nothing: the answer is in the arrays that are returned. */
  run(real: Float64Array, imag: Float64Array): [Float64Array, Float64Array] {
    let from: [Float64Array, Float64Array] = [real, imag];
    let to: [Float64Array, Float64Array] = [this.real, this.imag];
    let done = 1;
    for (const radix of this.radices) {
      if (radix === 4) this.four(from, to, done);
      else if (radix === 2) this.two(from, to, done);
      else this.any(from, to, done, radix);
      [from, to] = [to, from];
      done *= radix;
    }
    return from;
  }

  /** One pass of radix 4: `done` is the product of the radices before. */
  private four(from: Pair, to: Pair, done: number): void {
    const [re, im] = from;
    const [outRe, outIm] = to;
    const quarter = this.size / 4;
    const groups = quarter / done;
    for (let group = 0; group < groups; group++) {
      const step = group * done;
      const c1 = this.cos[step] as number;
      const s1 = this.sin[step] as number;
      const c2 = this.cos[2 * step] as number;
      const s2 = this.sin[2 * step] as number;
      const c3 = this.cos[3 * step] as number;
      const s3 = this.sin[3 * step] as number;
      for (let k = 0; k < done; k++) {
        const a = group * done + k;
        const b = a + quarter;
        const c = b + quarter;
        const d = c + quarter;
        const sumRe = (re[a] as number) + (re[c] as number);
        const sumIm = (im[a] as number) + (im[c] as number);
        const difRe = (re[a] as number) - (re[c] as number);
        const difIm = (im[a] as number) - (im[c] as number);
        const oddRe = (re[b] as number) + (re[d] as number);
        const oddIm = (im[b] as number) + (im[d] as number);
        const turnRe = (im[b] as number) - (im[d] as number);
        const turnIm = (re[d] as number) - (re[b] as number);
        const at = 4 * group * done + k;
        outRe[at] = sumRe + oddRe;
        outIm[at] = sumIm + oddIm;
        const xRe = difRe + turnRe;
        const xIm = difIm + turnIm;
        outRe[at + done] = xRe * c1 - xIm * s1;
        outIm[at + done] = xRe * s1 + xIm * c1;
        const yRe = sumRe - oddRe;
        const yIm = sumIm - oddIm;
        outRe[at + 2 * done] = yRe * c2 - yIm * s2;
        outIm[at + 2 * done] = yRe * s2 + yIm * c2;
        const zRe = difRe - turnRe;
        const zIm = difIm - turnIm;
        outRe[at + 3 * done] = zRe * c3 - zIm * s3;
        outIm[at + 3 * done] = zRe * s3 + zIm * c3;
      }
    }
  }

  private two(from: Pair, to: Pair, done: number): void {
    const [re, im] = from;
    const [outRe, outIm] = to;
    const half = this.size / 2;
    for (let group = 0; group < half / done; group++) {
      const c = this.cos[group * done] as number;
      const s = this.sin[group * done] as number;
      for (let k = 0; k < done; k++) {
        const a = group * done + k;
        const at = 2 * group * done + k;
        const difRe = (re[a] as number) - (re[a + half] as number);
        const difIm = (im[a] as number) - (im[a + half] as number);
        outRe[at] = (re[a] as number) + (re[a + half] as number);
        outIm[at] = (im[a] as number) + (im[a + half] as number);
        outRe[at + done] = difRe * c - difIm * s;
        outIm[at + done] = difRe * s + difIm * c;
      }
    }
  }

  /** One pass of any radix, by the definition. */
  private any(from: Pair, to: Pair, done: number, radix: number): void {
    const [re, im] = from;
    const [outRe, outIm] = to;
    const part = this.size / radix;
    for (let a = 0; a < part; a++) {
      const group = Math.floor(a / done);
      const at = radix * group * done + (a % done);
      for (let r = 0; r < radix; r++) {
        let sumRe = 0;
        let sumIm = 0;
        for (let q = 0; q < radix; q++) {
          const turn = (q * r * part + r * group * done) % this.size;
          const c = this.cos[turn] as number;
          const s = this.sin[turn] as number;
          const x = re[a + q * part] as number;
          const y = im[a + q * part] as number;
          sumRe += x * c - y * s;
          sumIm += x * s + y * c;
        }
        outRe[at + r * done] = sumRe;
        outIm[at + r * done] = sumIm;
      }
    }
  }
}

type Pair = [Float64Array, Float64Array];
