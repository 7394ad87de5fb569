import { describe, expect, it } from "vitest";
import { Resampler } from "../src/audio/resampler.js";
import { COMMON, unpacked } from "./golden.js";
import { randomOf, sound } from "./sounds.js";

function resampled(samples: Float32Array, from: number, to: number, size: number): number[] {
  const resampler = new Resampler(from, to);
  const made: number[] = [];
  for (let at = 0; at < samples.length; at += size) {
    made.push(...resampler.push(samples.subarray(at, at + size)));
  }
  return [...made, ...resampler.finish()];
}

describe("resampler", () => {
  it.each(COMMON.resampled)("$from to $to Hz is near to soxr", ({ from, to, pieces, samples }) => {
    const wanted = unpacked(samples);
    const found = resampled(sound(pieces, from), from, to, 1000);
    expect(found.length).toBe(wanted.length);
    const energy = wanted.reduce((sum, value) => sum + value ** 2, 0);
    const error = wanted.reduce((sum, value, at) => sum + (value - (found[at] as number)) ** 2, 0);
    expect(10 * Math.log10(energy / error)).toBeGreaterThan(45);
  });

  it.each([
    [44100, 16000],
    [8000, 16000],
    [44099, 16000],
    [192000, 32000],
  ])("%i to %i Hz is the same for any push size", (from, to) => {
    const samples = sound([["noise", 0.2, 1, 0.5]], from);
    const whole = resampled(samples, from, to, samples.length);
    expect(whole.length).toBe(Math.floor((samples.length * to) / from + 0.5));
    for (const size of [1, 37, 160, 4096]) {
      expect(resampled(samples, from, to, size)).toEqual(whole);
    }
  });

  it("keeps a tone of the pass band and takes one above it out", () => {
    for (const [hz, least, most] of [
      [7000, 0.999, 1.001],
      [9000, 0, 1e-5],
    ] as const) {
      const tone = sound([["tone", 0.5, hz, 0]], 48000);
      const found = resampled(tone, 48000, 16000, 4800).slice(1000, -1000);
      const level = Math.sqrt((2 * found.reduce((sum, x) => sum + x * x, 0)) / found.length) / 0.4;
      expect(level).toBeGreaterThanOrEqual(least);
      expect(level).toBeLessThanOrEqual(most);
    }
  });

  it("answers where there is less sound than its filter is long", () => {
    const random = randomOf(3);
    const few = Float32Array.from({ length: 5 }, random);
    expect(resampled(few, 48000, 16000, 1)).toEqual(resampled(few, 48000, 16000, 5));
    expect(resampled(new Float32Array(0), 48000, 16000, 1)).toEqual([]);
  });
});
