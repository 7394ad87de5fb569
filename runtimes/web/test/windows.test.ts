import { describe, expect, it } from "vitest";
import { paddedLength, WindowCutter } from "../src/windows.js";
import { randomOf } from "./sounds.js";

const RULE = { length_s: 2, hop_s: 1, grid_s: 0.5, min_s: 1 };
const RATE = 100;

function cut(samples: Float32Array, size: number) {
  const cutter = new WindowCutter(RULE, RATE);
  const cuts = [];
  for (let at = 0; at < samples.length; at += size) {
    cuts.push(...cutter.push(samples.subarray(at, at + size)));
  }
  return [...cuts, ...cutter.finish()];
}

describe("windows", () => {
  it.each([
    [1, 100],
    [100, 100],
    [101, 150],
    [199, 200],
    [200, 200],
  ])("pads %i samples to %i", (samples, padded) => {
    expect(paddedLength(RULE, samples, RATE)).toBe(padded);
  });

  it.each([
    [150, [[0, 150]]],
    [200, [[0, 200]]],
    [
      201,
      [
        [0, 200],
        [1, 201],
      ],
    ],
    [
      450,
      [
        [0, 200],
        [100, 300],
        [200, 400],
        [250, 450],
      ],
    ],
  ])("of %i samples cover all of them", (length, spans) => {
    const cuts = cut(new Float32Array(length).fill(1), 33);
    expect(cuts.map(({ start, stop }) => [start, stop])).toEqual(spans);
  });

  it("are the same for any push size, and zero behind a short recording", () => {
    const random = randomOf(1);
    const samples = Float32Array.from({ length: 777 }, random);
    const whole = cut(samples, 777);
    for (const size of [1, 7, 100, 200, 333]) expect(cut(samples, size)).toEqual(whole);
    for (const { start, stop, window } of whole) {
      expect(window).toEqual(samples.slice(start, stop));
    }
    const [short] = cut(samples.slice(0, 120), 50);
    expect(short?.window).toEqual(
      Float32Array.of(...samples.slice(0, 120), ...new Float32Array(30)),
    );
  });

  it("are none where there is nothing", () => {
    expect(cut(new Float32Array(0), 1)).toEqual([]);
  });
});
