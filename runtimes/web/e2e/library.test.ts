/** The library as built, in Chromium: how quick it is, and that a long stream costs no memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type * as library from "../src/index.js";
import { startChromium, type Witnessed } from "./chromium.js";
import { cpuSeconds } from "./cpu.js";
import { Site } from "./site.js";
import { hissAndWhistle } from "./sounds.js";

const MINUTES = 10;

const folder = mkdtempSync(join(tmpdir(), "tinyalm-sounds-"));
let site: Site;
let chromium: Witnessed;
let page: Page;

beforeAll(async () => {
  chromium = await startChromium(hissAndWhistle(join(folder, "microphone.wav"), 6));
  site = await Site.start();
  page = await chromium.browser.newPage();
  // A document of the folder that is not the page: the same headers, and an empty memory.
  await page.goto(`${site.url}NOTICES.txt`);
  const { bundle, ort } = site.paths();
  // A text, since the test runner rewrites an import in a function.
  await page.evaluate(`import("/library/index.js").then(async ({ load }) => {
    globalThis.model = await load("${bundle}", { wasmPaths: "${ort}", worker: false });
  })`);
});

afterAll(async () => {
  await chromium?.close();
  await site?.stop();
  rmSync(folder, { recursive: true });
});

test("ten seconds are tagged alike each time", async () => {
  const pid = chromium.browser.process()?.pid ?? 0;
  const before = cpuSeconds(pid);
  const { times, tags } = await page.evaluate(async () => {
    const { model } = globalThis as unknown as { model: library.Model };
    const rate = model.info.sampleRate;
    const samples = Float32Array.from({ length: 10 * rate }, (_, at) => 0.3 * Math.sin(at * at));
    const labels = await model.embedLabels();
    const times: number[] = [];
    const tags: string[] = [];
    for (let turn = 0; turn < 12; turn++) {
      const begun = performance.now();
      const answered = await model.tag({ samples: samples.slice(), rate }, { labels });
      times.push(performance.now() - begun);
      tags.push(answered.tags.map(({ label, score }) => `${label} ${score}`).join());
    }
    return { times: times.slice(2).sort((one, other) => one - other), tags };
  });
  const used = (1000 * (cpuSeconds(pid) - before)) / tags.length;
  const median = times[Math.floor(times.length / 2)] ?? 0;
  console.info(
    `10 s tagged in ${median.toFixed(0)} ms (median of ${times.length}, best ` +
      `${times[0]?.toFixed(0)} ms; ${used.toFixed(0)} ms of a core), one thread of WebAssembly`,
  );
  expect(new Set(tags).size).toBe(1);
});

test("ten minutes of listening leave no memory behind", async () => {
  const heap = async () => {
    const session = await page.createCDPSession();
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    await session.detach();
    return usedSize;
  };
  await page.evaluate(async () => {
    const { model } = globalThis as unknown as { model: library.Model };
    const labels = ["a whistle", "white noise"];
    const session = await model.listen({ labels, onLogMel: () => {}, onWindow: () => {} });
    Object.assign(globalThis, { session });
  });
  const minute = () =>
    page.evaluate(async () => {
      const { model, session } = globalThis as unknown as {
        model: library.Model;
        session: library.Session;
      };
      const rate = model.info.sampleRate;
      for (let tenth = 0; tenth < 600; tenth++) {
        await session.push(
          Float32Array.from({ length: rate / 10 }, (_, at) => 0.3 * Math.sin(at * at + tenth)),
          rate,
        );
      }
      return (await session.counts()).answered;
    });
  await minute();
  const after = await heap();
  let answered = 0;
  for (let count = 1; count < MINUTES; count++) answered = await minute();
  const growth = (await heap()) - after;
  console.info(`heap after ${MINUTES} minutes: ${(growth / 1e3).toFixed(0)} kB more`);
  expect(answered).toBeGreaterThan(60 * MINUTES);
  expect(growth).toBeLessThan(1e6);
});
