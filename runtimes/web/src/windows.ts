/** How a recording of any length is cut into the windows that a student hears (docs/bundle.md). */
import type { WindowRule } from "./bundle/manifest.js";
import { roundHalfEven } from "./rounding.js";

/** A window: the samples `start` to `stop` of the recording, zero-padded where it is shorter. */
export interface Cut {
  start: number;
  stop: number;
  window: Float32Array;
}

/** Length in samples of the one window of a recording no longer than a window. */
export function paddedLength(rule: WindowRule, samples: number, rate: number): number {
  const grid = Math.max(1, roundHalfEven(rule.grid_s * rate));
  const length = roundHalfEven(rule.length_s * rate);
  const shortest = roundHalfEven(rule.min_s * rate);
  return Math.min(length, Math.max(shortest, Math.ceil(samples / grid) * grid));
}

/**
 * Cuts one recording that comes in blocks of any sizes, holding one window of it.
 *
 * A recording no longer than a window is one window, zero-padded. A longer one gives windows at 0,
 * one hop, two hops, …, and where the last of them ends early, one more that ends with it.
 */
export class WindowCutter {
  private readonly length: number;
  private readonly hop: number;
  private readonly ring: Float32Array;
  private next: number; // the sample at which the next window stops
  private covered = 0;
  private count = 0;

  constructor(
    private readonly rule: WindowRule,
    private readonly rate: number,
  ) {
    this.length = roundHalfEven(rule.length_s * rate);
    this.hop = Math.max(1, roundHalfEven(rule.hop_s * rate));
    this.ring = new Float32Array(this.length);
    this.next = this.length;
  }

  /** How many samples were pushed. */
  get samples(): number {
    return this.count;
  }

  /** Takes the next samples, (samples,); returns the windows that end in them. */
  *push(block: Float32Array): Generator<Cut> {
    for (let at = 0; at < block.length; ) {
      const taken = block.subarray(at, at + this.next - this.count);
      this.write(taken);
      at += taken.length;
      if (this.count === this.next) {
        const stop = this.next;
        this.next += this.hop;
        this.covered = stop;
        yield { start: stop - this.length, stop, window: this.last(this.length) };
      }
    }
  }

  /** The window that ends with the recording, unless the last one did, or there is nothing. */
  *finish(): Generator<Cut> {
    const total = this.count;
    if (total === this.covered) return;
    const size = Math.min(total, this.length);
    const window = new Float32Array(paddedLength(this.rule, size, this.rate));
    window.set(this.last(size));
    yield { start: total - size, stop: total, window };
  }

  /** Overwrites the samples held with zeros. */
  close(): void {
    this.ring.fill(0);
  }

  private write(samples: Float32Array): void {
    const at = this.count % this.length;
    const first = Math.min(samples.length, this.length - at);
    this.ring.set(samples.subarray(0, first), at);
    this.ring.set(samples.subarray(first), 0);
    this.count += samples.length;
  }

  private last(size: number): Float32Array {
    const samples = new Float32Array(size);
    const start = (this.count - size) % this.length;
    const first = Math.min(size, this.length - start);
    samples.set(this.ring.subarray(start, start + first));
    samples.set(this.ring.subarray(0, size - first), first);
    return samples;
  }
}
