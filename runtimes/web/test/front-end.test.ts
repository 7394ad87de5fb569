import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Fft } from "../src/frontend/fft.js";
import { LogMelFrontEnd, LogMelStream } from "../src/frontend/log-mel.js";
import { readProgram } from "../src/frontend/program.js";
import { named } from "../src/policy/words.js";
import { COMMON, floats, largestDifference, SHIPPED } from "./golden.js";
import { randomOf, sound } from "./sounds.js";

describe("a DFT", () => {
  it.each([1, 2, 3, 4, 5, 8, 15, 16, 60, 400, 512, 1024])(
    "of %i points is that of its definition",
    (size) => {
      const random = randomOf(size);
      const [re, im] = [0, 0].map(() => Float64Array.from({ length: size }, random)) as Pair;
      const wanted = definition(re, im);
      const found = new Fft(size).run(re.slice(), im.slice());
      expect(largestDifference(found[0], wanted[0])).toBeLessThan(1e-10);
      expect(largestDifference(found[1], wanted[1])).toBeLessThan(1e-10);
    },
  );

  it("of other sizes is refused", () => {
    expect(() => new Fft(7)).toThrow("7 points");
  });
});

type Pair = [Float64Array, Float64Array];

function definition(re: Float64Array, im: Float64Array): Pair {
  const size = re.length;
  const out: Pair = [new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k < size; k++) {
    let [sumRe, sumIm] = [0, 0];
    for (let n = 0; n < size; n++) {
      const turn = (-2 * Math.PI * ((k * n) % size)) / size;
      const [x, y] = [re[n] as number, im[n] as number];
      sumRe += x * Math.cos(turn) - y * Math.sin(turn);
      sumIm += x * Math.sin(turn) + y * Math.cos(turn);
    }
    out[0][k] = sumRe;
    out[1][k] = sumIm;
  }
  return out;
}

/** Programs of all presets with the log-mels of the reference (`tests/runtimes/test_web.py`). */
const FOLDER = join(process.env.TINYALM_WEB_GOLDENS ?? "none", "front-ends");
const NAMES = existsSync(FOLDER)
  ? readdirSync(FOLDER).filter((name) => name.endsWith(".logmel"))
  : [];

describe.runIf(NAMES.length > 0)("the front end", () => {
  it.each(NAMES)("%s is that of the reference", (name) => {
    const frontEnd = new LogMelFrontEnd(readProgram(readFileSync(join(FOLDER, name)), name));
    const rate = frontEnd.program.sampleRate;
    const heard = sound(
      [
        ["chirp", 0.3, 100, 7000],
        ["noise", 0.1, 3, 1e-4],
      ],
      rate,
    );
    for (const [kind, samples] of [
      ["long", heard],
      ["short", heard.slice(100, 137)],
    ] as const) {
      const wanted = floats(readFileSync(join(FOLDER, `${name}.${kind}`)));
      expect(largestDifference(frontEnd.logMel(samples), wanted)).toBeLessThan(1e-4);
    }
  });
});

it("a stream of the log-mel is that of the whole, for any push size", () => {
  const raw = readFileSync(join(SHIPPED, "frontend.logmel"));
  const frontEnd = new LogMelFrontEnd(readProgram(raw, "program"));
  const samples = sound([["chirp", 0.5, 100, 7000]], 16000);
  const whole = frontEnd.logMel(samples);
  for (const size of [1, 160, 999]) {
    const stream = new LogMelStream(frontEnd);
    const found: number[] = [];
    for (let at = 0; at < samples.length; at += size) {
      found.push(...stream.push(samples.subarray(at, at + size)));
    }
    expect(largestDifference(found, whole)).toBeLessThan(1e-6);
  }
});

it("a damaged front end is refused", () => {
  const raw = readFileSync(join(SHIPPED, "frontend.logmel"));
  for (const bad of [raw.subarray(1), raw.subarray(0, 100), new Uint8Array(0)]) {
    expect(() => readProgram(bad, "x")).toThrow("x: no front end");
  }
});

it.each(COMMON.named)("%j names %j", (text, category) => {
  expect(named(text) ?? null).toBe(category);
});
