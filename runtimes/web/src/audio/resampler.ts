/**
 * A stateful polyphase resampler: a sinc under a Kaiser window (Kaiser 1974), as wide as soxr's HQ
 * passes: flat to 0.914 of the lower Nyquist frequency, and 126 dB down from the Nyquist frequency
 * on. n samples become floor(n * to / from + 1/2), the same ones whatever the pieces they come in.
 */

const PASSBAND = 0.91375; // of the lower Nyquist frequency
const REJECTION_DB = 126.4;
const MOST_PHASES = 1024; // of the filter's table; between them it is interpolated

/** Taps of all phases, (phases + 1) rows of `width`, oldest sample first. */
interface Filter {
  taps: Float64Array;
  phases: number;
  width: number;
}

/** Changes the rate of one recording, samples (samples,) in, samples out. */
export class Resampler {
  private readonly up: number;
  private readonly down: number;
  private readonly filter: Filter;
  private held: Float32Array;
  private first: number; // number of the sample that `held` begins with, negative for padding
  private heard = 0;
  private told = 0;

  /** @param from Hz of what comes in. @param to Hz of what goes out, another. */
  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    this.filter = filterOf(this.up, this.down);
    this.first = 1 - this.filter.width / 2;
    this.held = new Float32Array(-this.first);
  }

  /** Takes the next samples; returns those of the new rate that are known by now. */
  push(samples: Float32Array): Float32Array {
    this.hold(samples);
    this.heard += samples.length;
    const reach = this.heard - 1 - this.filter.width / 2; // last sample with all behind it known
    const known = reach < 0 ? 0 : Math.floor(((reach + 1) * this.up - 1) / this.down) + 1;
    return this.tell(Math.min(known, this.total()));
  }

  /** The rest, after the last push. */
  finish(): Float32Array {
    this.hold(new Float32Array(this.filter.width));
    return this.tell(this.total());
  }

  /** Overwrites the samples held with zeros. */
  close(): void {
    this.held.fill(0);
  }

  private total(): number {
    return Math.floor((this.heard * this.up) / this.down + 0.5);
  }

  private hold(samples: Float32Array): void {
    const start = Math.floor((this.told * this.down) / this.up) + 1 - this.filter.width / 2;
    const passed = Math.min(Math.max(0, start - this.first), this.held.length);
    const kept = this.held.subarray(passed);
    const next = new Float32Array(kept.length + samples.length);
    next.set(kept);
    next.set(samples, kept.length);
    this.held.fill(0);
    this.held = next;
    this.first += passed;
  }

  private tell(stop: number): Float32Array {
    const { taps, phases, width } = this.filter;
    const told = new Float32Array(Math.max(0, stop - this.told));
    for (let i = 0; i < told.length; i++) {
      const place = (this.told + i) * this.down;
      const at = Math.floor(place / this.up);
      const phase = ((place - at * this.up) / this.up) * phases;
      const whole = Math.floor(phase);
      const share = phase - whole;
      const from = at + 1 - width / 2 - this.first;
      const sum = dotAt(taps, whole * width, this.held, from, width);
      told[i] = share === 0 ? sum : this.between(sum, share, whole + 1, from);
    }
    this.told += told.length;
    return told;
  }

  private between(sum: number, share: number, phase: number, from: number): number {
    const { taps, width } = this.filter;
    const next = dotAt(taps, phase * width, this.held, from, width);
    return sum + share * (next - sum);
  }
}

/** Sum of `width` products of two stretches. */
function dotAt(
  taps: Float64Array,
  tap: number,
  samples: Float32Array,
  from: number,
  width: number,
): number {
  let even = 0;
  let odd = 0;
  for (let i = 0; i < width; i += 2) {
    even += (taps[tap + i] as number) * (samples[from + i] as number);
    odd += (taps[tap + i + 1] as number) * (samples[from + i + 1] as number);
  }
  return even + odd;
}

/** The filter of a ratio; its cutoff is the middle between pass band and Nyquist frequency. */
function filterOf(up: number, down: number): Filter {
  const nyquist = Math.min(1, up / down); // the lower one, in units of the input's
  const transition = (1 - PASSBAND) * nyquist;
  const half = Math.ceil((REJECTION_DB - 7.95) / (2 * 2.285 * Math.PI * transition));
  const width = 2 * half;
  const phases = Math.min(up, MOST_PHASES);
  const beta = 0.1102 * (REJECTION_DB - 8.7);
  const cutoff = nyquist - transition / 2;
  const taps = new Float64Array((phases + 1) * width);
  for (let phase = 0; phase <= phases; phase++) {
    for (let i = 0; i < width; i++) {
      // Time from the tap's sample to the moment of the output, in input samples.
      const time = phase / phases + half - 1 - i;
      const inside = 1 - (time / half) ** 2;
      const window = inside > 0 ? bessel(beta * Math.sqrt(inside)) / bessel(beta) : 0;
      taps[phase * width + i] = cutoff * sinc(cutoff * time) * window;
    }
  }
  return { taps, phases, width };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Modified Bessel function of the first kind, order 0, by its series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-18 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
