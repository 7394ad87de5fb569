import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { MicrophoneOptions } from "../src/api.js";
import { type LoadOptions, load, type Model } from "../src/index.js";
import { SHIPPED } from "./golden.js";
import { serve } from "./server.js";
import { sound } from "./sounds.js";
import { waveFile } from "./wave-file.js";

type Example = (...given: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Example;

it("the example of docs/web.md works", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/web.md"), "utf-8");
  const code = /```js\n(.*?)\n```/s.exec(page)?.[1];
  const lines = (code ?? "").split("\n");
  expect(lines.filter((line) => line.trim()).length).toBeLessThanOrEqual(15);
  expect(lines.shift()).toBe('import { load, openMicrophone } from "@tinyalm/web";');

  const served = await serve(join(SHIPPED, ".."));
  const samples = sound([["tone", 2, 1000, 4]], 16000);
  const models: Model[] = [];
  const said: unknown[][] = [];
  let fed = 0;
  await new AsyncFunction("load", "openMicrophone", "document", "console", lines.join("\n"))(
    async (url: string, { wasmPaths, ...options }: LoadOptions) => {
      expect(wasmPaths).toBe("ort/"); // node has its own
      const model = await load(new URL(url, served.url), options);
      models.push(model);
      return model;
    },
    async ({ onSamples }: MicrophoneOptions) => {
      onSamples(samples, 16000);
      fed = samples.length;
    },
    { querySelector: () => ({ files: [waveFile(samples, 16000)] }) },
    { log: (...words: unknown[]) => said.push(words) },
  );
  const labels = said.slice(0, 2).map(([label]) => label);
  expect(labels.sort()).toEqual(["a dog barking", "rain"]);
  expect(said[2]).toEqual([expect.stringMatching(/^nearest at [\d.]+ s$/)]);
  expect(fed).toBe(samples.length);
  for (const model of models) await model.close();
  await served.close();
});
