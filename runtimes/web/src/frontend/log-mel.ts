/** Waveform to log-mel, as docs/front-end.md has it: the DFT and all behind it in float64. */
import { Fft } from "./fft.js";
import type { Program } from "./program.js";

/** Computes log-mels of whole recordings; one after the other, since it keeps scratch memory. */
export class LogMelFrontEnd {
  private readonly fft: Fft;
  private readonly real: Float64Array;
  private readonly imag: Float64Array;
  private readonly bins: number;

  constructor(readonly program: Program) {
    this.fft = new Fft(program.nFft);
    this.real = new Float64Array(program.nFft);
    this.imag = new Float64Array(program.nFft);
    this.bins = Math.floor(program.nFft / 2) + 1;
  }

  /** (samples,) at the program's rate to (frames * bands,), frame by frame. */
  logMel(waveform: Float32Array): Float32Array {
    const samples = this.prepared(waveform);
    const values = this.frames(samples, this.frameCount(samples.length));
    return new Float32Array(this.program.range > 0 ? ranged(values, this.program.range) : values);
  }

  /** The first `count` frames of a stretch of a stream: neither padded nor ranged. */
  unpadded(waveform: Float32Array, count: number): Float32Array {
    return new Float32Array(this.frames(new Float64Array(waveform), count));
  }

  /** How many samples a frame reaches over, and from one frame to the next. */
  get step(): { length: number; hop: number } {
    return { length: this.program.frameLength, hop: this.program.hopLength };
  }

  /** `count` frames of samples that were prepared. */
  private frames(samples: Float64Array, count: number): Float64Array {
    const { bands, hopLength } = this.program;
    const values = new Float64Array(count * bands);
    // Two real frames are one complex one.
    for (let frame = 0; frame < count; frame += 2) {
      this.load(samples, frame * hopLength, this.real);
      if (frame + 1 < count) this.load(samples, (frame + 1) * hopLength, this.imag);
      else this.imag.fill(0);
      const [re, im] = this.fft.run(this.real, this.imag);
      this.split(re, im);
      this.mel(re, values, frame * bands);
      if (frame + 1 < count) this.mel(im, values, (frame + 1) * bands);
    }
    return values;
  }

  private frameCount(prepared: number): number {
    const { hopLength, frameLength, dropLast } = this.program;
    if (prepared === 0) return 0;
    const count = Math.floor((prepared - frameLength) / hopLength) + 1;
    return Math.max(0, dropLast ? count - 1 : count);
  }

  /** Rounding, pre-emphasis and padding. */
  private prepared(waveform: Float32Array): Float64Array {
    const { preemphasis, padding, roundInt16, nFft } = this.program;
    let exact = new Float64Array(waveform);
    if (roundInt16) {
      // In float32: whether a product reaches the next integer depends on it.
      exact = exact.map(
        (x) => Math.trunc(Math.fround(Math.min(1, Math.max(-1, x)) * 32767)) / 32767,
      );
    }
    if (preemphasis !== 0) {
      const next = exact.subarray(1);
      exact = next.map((x, i) => x - preemphasis * (exact[i] as number));
    }
    if (padding === "none" || exact.length === 0) return exact;
    const side = Math.floor(nFft / 2);
    const padded = new Float64Array(exact.length + 2 * side);
    const period = Math.max(1, 2 * (exact.length - 1));
    for (let i = 0; i < padded.length; i++) {
      const at = i - side;
      const turned = ((at % period) + period) % period;
      const inside = at >= 0 && at < exact.length;
      const source = turned < exact.length ? turned : period - turned;
      padded[i] = inside || padding === "reflect" ? (exact[inside ? at : source] as number) : 0;
    }
    return padded;
  }

  private load(samples: Float64Array, start: number, to: Float64Array): void {
    const { window, windowStart } = this.program;
    to.fill(0);
    const from = start + windowStart;
    for (let i = 0; i < window.length; i++) {
      to[windowStart + i] = (window[i] as number) * (samples[from + i] as number);
    }
  }

  /** Turns the spectrum of a pair into the two energies: of the first in `re`, then in `im`. */
  private split(re: Float64Array, im: Float64Array): void {
    const size = this.fft.size;
    const magnitude = this.program.power === 1;
    for (let k = 0; k < this.bins; k++) {
      const mirror = k === 0 ? 0 : size - k;
      const a = re[k] as number;
      const b = im[k] as number;
      const c = re[mirror] as number;
      const d = im[mirror] as number;
      const one = ((a + c) * (a + c) + (b - d) * (b - d)) / 4;
      const other = ((b + d) * (b + d) + (c - a) * (c - a)) / 4;
      re[k] = magnitude ? Math.sqrt(one) : one;
      im[k] = magnitude ? Math.sqrt(other) : other;
    }
  }

  private mel(energy: Float64Array, values: Float64Array, at: number): void {
    const { bands, firstBin, binCount, weights, logFloor, logOffset, scale, shift } = this.program;
    let weight = 0;
    for (let band = 0; band < bands; band++) {
      const first = firstBin[band] as number;
      const count = binCount[band] as number;
      let sum = 0;
      for (let i = 0; i < count; i++)
        sum += (energy[first + i] as number) * (weights[weight++] as number);
      values[at + band] = Math.log(Math.max(sum, logFloor) + logOffset) * scale + shift;
    }
  }
}

/** Values more than `range` below the largest raised to that. */
function ranged(values: Float64Array, range: number): Float64Array {
  const most = values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
  return values.map((value) => Math.max(value, most - range));
}

/** Frames of a stream as they come, each with its last sample; neither padded nor ranged. */
export class LogMelStream {
  private held = new Float32Array(0);

  constructor(private readonly frontEnd: LogMelFrontEnd) {}

  /** Takes the next samples, (samples,); returns (frames * bands,). */
  push(samples: Float32Array): Float32Array {
    const { length, hop } = this.frontEnd.step;
    const all = new Float32Array(this.held.length + samples.length);
    all.set(this.held);
    all.set(samples, this.held.length);
    this.held.fill(0);
    const count = Math.max(0, Math.floor((all.length - length) / hop) + 1);
    this.held = all.slice(count * hop);
    return count === 0 ? new Float32Array(0) : this.frontEnd.unpadded(all, count);
  }

  /** Overwrites the samples held with zeros. */
  close(): void {
    this.held.fill(0);
  }
}
