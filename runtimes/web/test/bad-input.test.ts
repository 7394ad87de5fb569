import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AudioInput, ErrorCode, Labels, LearnedLabel, Model, Policy } from "../src/api.js";
import { load, TinyalmError } from "../src/index.js";
import { SHIPPED } from "./golden.js";
import { type Served, serve } from "./server.js";
import { sound } from "./sounds.js";
import { waveFile } from "./wave-file.js";

const RATE = 16000;
const GOOD = { samples: sound([["tone", 1, 1000, 4]], RATE), rate: RATE };
let served: Served;
let model: Model;

beforeAll(async () => {
  served = await serve(SHIPPED);
  model = await load(served.url);
});
afterAll(async () => {
  await model.close();
  await served.close();
});

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<TinyalmError> {
  const error = await call.then(
    () => new Error("no error"),
    (one) => one,
  );
  expect(error).toBeInstanceOf(TinyalmError);
  expect(error.message).not.toContain("\n");
  return error;
}

function broken(value: number): Float32Array {
  const samples = GOOD.samples.slice();
  samples[8000] = value;
  return samples;
}

describe("a recording", () => {
  it.each([
    [
      "NaN",
      { samples: broken(Number.NaN), rate: RATE },
      "bad-audio",
      "NaN or infinite samples at 0.50 s",
    ],
    ["infinite", { samples: broken(-1 / 0), rate: RATE }, "bad-audio", "NaN or infinite"],
    ["empty", { samples: new Float32Array(0), rate: RATE }, "no-audio", "holds no samples"],
    ["short", { samples: GOOD.samples.subarray(0, 50), rate: RATE }, "too-short", "50 samples"],
    ["silent", { samples: new Float32Array(RATE), rate: RATE }, "silent", "-Infinity dBFS"],
    ["without a rate", { samples: GOOD.samples, rate: Number.NaN }, "bad-audio", "NaN Hz"],
    ["of a rate that is none", { samples: GOOD.samples, rate: 5 }, "bad-audio", "5 Hz"],
    [
      "of uneven channels",
      { samples: [GOOD.samples, GOOD.samples.subarray(1)], rate: RATE },
      "bad-audio",
      "channels of different lengths",
    ],
    ["that is none", "street.wav" as unknown as AudioInput, "bad-audio", "no recording"],
    ["an empty file", new Blob([]), "no-audio", "empty (0 bytes)"],
    ["no audio", new Blob(["hello"]), "no-audio", "only WAV files can be read"],
    ["a cut WAV file", waveFile(GOOD.samples, RATE).slice(0, 3000), "no-audio", "truncated"],
    [
      "a WAV file without samples",
      waveFile(GOOD.samples, RATE).slice(0, 40),
      "no-audio",
      "damaged",
    ],
  ] satisfies [string, AudioInput, ErrorCode, string][])("%s", async (_, audio, code, message) => {
    const error = await errorOf(model.tag(audio));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it.each([1, 2, 3, 4] as const)(
    "as a WAV file of %i bytes is heard as its samples",
    async (bytes) => {
      const blob = waveFile([GOOD.samples, GOOD.samples], RATE, bytes);
      const [whole, file] = await Promise.all([model.embedAudio(GOOD), model.embedAudio(blob)]);
      const cosine = whole.reduce((sum, x, at) => sum + x * (file[at] as number), 0);
      expect(cosine).toBeGreaterThan(bytes === 1 ? 0.5 : 0.99);
    },
  );

  it("can be given up", async () => {
    const controller = new AbortController();
    const audio = { samples: sound([["noise", 60, 1, 0.1]], RATE), rate: RATE };
    let heard = 0;
    const progress = (seconds: number) => {
      heard = seconds;
      controller.abort();
    };
    const error = await errorOf(model.tag(audio, { signal: controller.signal, progress }));
    expect(error.code).toBe("aborted");
    expect(heard).toBeLessThan(60);
  });
});

describe("what is asked", () => {
  it.each([
    [[], "bad-setting", "empty"],
    [["rain", " "], "bad-setting", "label 2 is blank"],
    [["rain", "rain "], "bad-setting", "there twice"],
    [["a woman speaking"], "policy", "asks for the gender of a person"],
    [["an angry person"], "policy", "asks for the emotion"],
    [
      { labels: ["x"], template: "{}", embeddings: new Float32Array(3), dim: 3, teacher: "t" },
      "bad-setting",
      "the label pack is in the space of t (3 numbers)",
    ],
  ] satisfies [Labels, ErrorCode, string][])("labels %j", async (labels, code, message) => {
    const error = await errorOf(model.tag(GOOD, { labels }));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it("numbers and options that make no sense", async () => {
    const calls: [() => Promise<unknown>, string][] = [
      [() => model.tag(GOOD, { topK: 0 }), "topK is 0"],
      [() => model.tag(GOOD, { labels: ["rain"], template: "sound" }), "must hold {} once"],
      [() => model.listen({ rule: { on: 2 } }), "on is 2"],
      [() => model.listen({ backlog: 0 }), "backlog is 0"],
      [() => model.learn("bell", [GOOD]), "has 1 recordings"],
      [() => model.learn("bell", [GOOD, GOOD], { falseAlarm: 1 }), "falseAlarm is 1"],
      [() => model.forget("bell"), "no learned label"],
      [() => model.attach({ label: "bell", encoder: "other" } as LearnedLabel), "another model"],
      [() => model.embedText([" "]), "has no word in it"],
    ];
    for (const [call, message] of calls) {
      const error = await errorOf(call());
      expect([error.code, error.message]).toEqual([
        "bad-setting",
        expect.stringContaining(message),
      ]);
    }
  });

  it("captions and texts of a bundle that has neither", async () => {
    const manifest = JSON.parse(readFileSync(join(SHIPPED, "bundle.json"), "utf-8"));
    const bare = JSON.stringify({ ...manifest, caption: null, text: null });
    const other = await serve(SHIPPED, { "bundle.json": bare });
    const without = await load(other.url);
    expect([without.info.hasText, without.info.hasCaptions]).toEqual([false, false]);
    const captions = await errorOf(without.caption(GOOD));
    const message = "micro: the bundle has no captioner; export it with --captioner";
    expect([captions.code, captions.message]).toEqual(["no-captioner", message]);
    const texts = await errorOf(without.tag(GOOD, { labels: ["rain"] }));
    expect([texts.code, texts.message]).toEqual(["no-text", expect.stringContaining("text side")]);
    await without.close();
    await other.close();
  });

  it("anything of a closed model or session", async () => {
    const session = await model.listen();
    await session.close();
    expect((await errorOf(session.push(GOOD.samples))).code).toBe("closed");
    const other = await load(served.url);
    await other.close();
    expect((await errorOf(other.tag(GOOD))).code).toBe("closed");
  });
});

describe("a policy", () => {
  const ask = async <T>(policy: Policy, call: (one: Model) => Promise<T>) => {
    const guarded = await load(served.url, { policy });
    try {
      return await call(guarded).catch((error: TinyalmError) => error);
    } finally {
      await guarded.close();
    }
  };

  it("allows its tasks and labels alone", async () => {
    const policy: Policy = {
      format_version: 1,
      name: "bell",
      tasks: ["listen"],
      families: ["alarms"],
    };
    const tagging = (await ask(policy, (one) => one.tag(GOOD))) as TinyalmError;
    expect([tagging.code, tagging.message]).toEqual([
      "policy",
      "bell: does not allow the task 'tag'; add it to its tasks",
    ]);
    const other = await ask(policy, (one) => one.listen({ labels: ["rain"] }));
    const listening = other as TinyalmError;
    expect(listening.message).toBe('bell: does not allow "rain"; ask for one of its labels');
    const session = await ask(policy, (one) => one.listen());
    expect(session).toMatchObject({
      labels: expect.arrayContaining(["Siren", "Smoke detector, smoke alarm"]),
    });
  });

  it("may allow what is sensitive", async () => {
    const policy: Policy = { format_version: 1, tasks: ["tag"], sensitive: ["gender"] };
    const labels = ["a woman speaking"];
    expect(await ask(policy, (one) => one.tag(GOOD, { labels }))).toHaveProperty("tags");
  });

  it.each([
    { format_version: 1, tasks: ["tag"], speech: "refuse" },
    { format_version: 1, tasks: ["tag"], colour: "red" },
    { format_version: 2, tasks: ["tag"] },
    { format_version: 1, tasks: ["sing"] },
  ])("%j is refused, not ignored", async (policy) => {
    const error = await errorOf(load(served.url, { policy: policy as unknown as Policy }));
    expect(error.message).toContain("the policy: no policy (");
  });
});
