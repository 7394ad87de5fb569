/** What a recording must have to be heard: finite samples, some length, and a level. */
import { TinyalmError } from "../errors.js";

const SHORTEST_S = 0.01;
const SILENCE_DBFS = -90;
export const LOWEST_RATE = 100; // Hz; what states less is damaged

/** Makes sure that `rate` is one of sound, in whole Hz. */
export function checkRate(rate: number, label: string): number {
  if (Number.isFinite(rate) && rate >= LOWEST_RATE) return Math.round(rate);
  throw new TinyalmError(
    "bad-audio",
    `${label}: ${rate} Hz is no rate of sound; give the right one`,
  );
}

/** Watches the mono samples of a recording go by. */
export class Meter {
  private peak = 0;
  private count = 0;

  /** @param label what messages call the recording. @param rate Hz. */
  constructor(
    private readonly label: string,
    private readonly rate: number,
  ) {}

  /** Passes on the next samples, (samples,). */
  heard(mono: Float32Array): Float32Array {
    for (let i = 0; i < mono.length; i++) {
      const size = Math.abs(mono[i] as number);
      if (!(size < Number.POSITIVE_INFINITY)) {
        const at = ((this.count + i) / this.rate).toFixed(2);
        throw new TinyalmError(
          "bad-audio",
          `${this.label}: holds NaN or infinite samples at ${at} s; write it anew`,
        );
      }
      if (size > this.peak) this.peak = size;
    }
    this.count += mono.length;
    return mono;
  }

  /** Judges what was heard, at its end. */
  check(): void {
    if (this.count === 0) {
      throw new TinyalmError(
        "no-audio",
        `${this.label}: holds no samples; choose another recording`,
      );
    }
    if (this.count < SHORTEST_S * this.rate) {
      const length = `${this.count} sample${this.count === 1 ? "" : "s"}`;
      throw new TinyalmError(
        "too-short",
        `${this.label}: holds ${length} (${(this.count / this.rate).toFixed(5)} s); ` +
          "at least 10 ms are needed",
      );
    }
    const level = 20 * Math.log10(this.peak);
    if (level < SILENCE_DBFS) {
      throw new TinyalmError(
        "silent",
        `${this.label}: silent: peak ${level.toFixed(0)} dBFS; check the microphone or the file`,
      );
    }
  }
}

/** Averages channels of one length to one. */
export function meanOfChannels(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels;
  if (!first) return new Float32Array(0);
  if (others.length === 0) return first;
  const mono = first.slice();
  for (const channel of others) {
    for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] as number) + (channel[i] as number);
  }
  for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] as number) / channels.length;
  return mono;
}
