/** The page from its first load to its forgetting, in Chromium. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startChromium, type Witnessed } from "./chromium.js";
import { cpuSeconds } from "./cpu.js";
import { Driver, left, violations } from "./driver.js";
import { Site } from "./site.js";
import { hissAndWhistle } from "./sounds.js";

const LISTENED_S = 8;

const folder = mkdtempSync(join(tmpdir(), "tinyalm-sounds-"));
let site: Site;
let chromium: Witnessed;
let page: Page;
let driver: Driver;

beforeAll(async () => {
  chromium = await startChromium(hissAndWhistle(join(folder, "microphone.wav"), 6));
  site = await Site.start();
  page = await chromium.browser.newPage();
  driver = new Driver(page);
});

afterAll(async () => {
  await chromium?.close();
  await site?.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => console.info("the page says:", await driver.text("#notices")));
});

test("the first load is small", async () => {
  await page.goto(site.url);
  await driver.there("#app:not([hidden])");
  const whole = site.bytes();
  const ours = site.bytes((path) => !path.startsWith("/ort-"));
  console.info(`first load: ${(whole / 1e6).toFixed(2)} MB, ours ${(ours / 1e6).toFixed(2)} MB`);
  expect(whole).toBeLessThanOrEqual(16e6);
  expect(ours).toBeLessThanOrEqual(3e6);
  expect(await driver.text("#model-name")).toBe("micro");
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test("what the microphone hears is tagged as it sounds", async () => {
  await driver.click("#record");
  await driver.there("#live-now li");
  const before = cpuSeconds(chromium.browser.process()?.pid ?? 0);
  await new Promise((resolve) => setTimeout(resolve, LISTENED_S * 1000));
  const used = cpuSeconds(chromium.browser.process()?.pid ?? 0) - before;
  const share = ((100 * used) / LISTENED_S).toFixed(1);
  console.info(`live listening, all of Chromium's processes: ${share} % of one core`);
  await driver.click("#record");
  await driver.there("#recording:not([hidden])");
  expect(await driver.count("#recordings li")).toBe(1);
  await driver.until("#recording-about", "events");
  expect(await driver.text("#recording-about")).toMatch(/^0:\d\d\.\d, \d+ events$/);
  expect(await page.$eval("#timeline", (canvas) => canvas.ariaLabel)).toContain("most heard: ");
});

test("other labels are asked at once", async () => {
  const before = await page.$eval("#timeline", (canvas) => canvas.ariaLabel);
  await driver.type("#labels", "a whistle, white noise\na dog barking");
  await driver.until("#labels-state", "3 labels of yours");
  await page.waitForFunction(
    (label) => document.querySelector("#timeline")?.ariaLabel !== label,
    {},
    before,
  );
  expect(await page.$eval("#timeline", (canvas) => canvas.ariaLabel)).toMatch(/whistle|noise/);
  await driver.type("#labels", "a man of fifty");
  await driver.until("#labels-state", "of a person, which is refused");
  await driver.click("#labels-default");
  await driver.until("#labels-state", "521 default labels");
});

test("search finds moments and jumps there", async () => {
  await driver.drop(hissAndWhistle(join(folder, "hiss, and more.wav"), 10, 2));
  await driver.until("#recordings", "hiss, and more.wav");
  await driver.type("#query", "a high whistle");
  await page.keyboard.press("Enter");
  await driver.there("#results li button");
  expect(await driver.count("#results li")).toBeGreaterThan(1);
  await driver.click("#results li button");
  await page.waitForFunction(() => {
    const name = document.querySelector("#recording-name")?.textContent;
    return document.querySelector("#recordings [aria-pressed=true]")?.textContent === name;
  });
  await driver.there("#moment:not([hidden])");
  await driver.there("#player:not([hidden])");
});

test("a caption is fetched and made when it is asked for", async () => {
  const captioner = () => site.bytes((path) => path.includes("captioner"));
  const buttons = await page.$$eval("#recording-actions button", (all) =>
    all.map((b) => b.textContent),
  );
  if (!buttons.includes("Caption")) return; // the bundle has no captioner
  expect(captioner()).toBe(0);
  await driver.click("#recording-actions button:last-child");
  await driver.there("#captions li");
  const fetched = captioner();
  expect(fetched).toBeGreaterThan(0);
  await driver.click("#recording-actions button:last-child");
  await driver.there("#captions li");
  expect(captioner()).toBe(fetched);
});

test("results are saved as CSV and as Audacity's labels", async () => {
  const session = await page.createCDPSession();
  const settings = { behavior: "allow", downloadPath: folder } as const;
  await session.send("Browser.setDownloadBehavior", settings);
  await driver.type("#labels", "hissing, whistling");
  await driver.until("#labels-state", "2 labels of yours");
  await driver.choose("hiss");
  const saved = (name: string) => join(folder, name);
  await driver.click("#recording-actions button:nth-child(2)");
  await driver.click("#recording-actions button:nth-child(3)");
  const csv = saved("hiss, and more.csv");
  const track = saved("hiss, and more.txt");
  await expect.poll(() => existsSync(csv) && existsSync(track), { timeout: 20_000 }).toBe(true);
  const [head, ...rows] = readFileSync(csv, "utf8").trimEnd().split("\n");
  expect(head).toBe("start,end,peak,score,label");
  expect(rows.length).toBe(await driver.count("#events tbody tr"));
  for (const line of readFileSync(track, "utf8").split("\n").filter(Boolean)) {
    expect(line).toMatch(/^\d+\.\d{6}\t\d+\.\d{6}\t\w+$/);
  }
});

test("a sound is taught by examples and forgotten again", async () => {
  await driver.drop(hissAndWhistle(join(folder, "again.wav"), 4, 3));
  await driver.until("#recording-name", "again.wav");
  await driver.click("#teach-whole");
  await driver.choose("hiss");
  await driver.click("#teach-whole");
  await driver.until("#teach-state", "2 examples");
  await driver.type("#teach-label", "my kettle");
  await page.keyboard.press("Enter");
  await driver.until("#learned", "my kettle (taught by 2 examples)");
  expect(await driver.text("#notices")).toBe("");
});

test("the page and its panel are accessible, light and dark", async () => {
  for (const value of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
    expect(await violations(page)).toEqual([]);
    await driver.click("#privacy");
    expect(await violations(page)).toEqual([]);
    await driver.click("#privacy-close");
  }
});

test("nothing can be sent elsewhere", async () => {
  expect(chromium.foreign).toEqual([]);
  const sent = page.evaluate(() => fetch("https://example.org/"));
  await expect(sent).rejects.toThrow("Failed to fetch");
  await driver.until("#requests-count", "blocked by the page's policy: https://example.org");
  expect(await driver.text("#privacy")).toBe("Privacy: 0 requests to others");
  expect(await driver.count("#requests tr")).toBeGreaterThan(10);
  expect(chromium.foreign).toEqual([]);
  // The witness sees what a page without that policy sends.
  const other = await chromium.browser.newPage();
  await other.evaluate(() => fetch("http://elsewhere.invalid/", { mode: "no-cors" }));
  expect(chromium.foreign).toEqual(["elsewhere.invalid"]);
  chromium.foreign.length = 0;
  await other.close();
});

test("without its server it comes back with what it knew", async () => {
  await site.cut();
  await page.reload();
  await driver.there("#app:not([hidden])");
  expect(await driver.count("#recordings li")).toBe(3);
  expect(await driver.text("#labels-state")).toBe("2 labels of yours");
  await driver.until("#learned", "my kettle");
  await driver.drop(join(folder, "again.wav"));
  await page.waitForFunction(() => document.querySelectorAll("#recordings li").length === 4);
  expect(await driver.text("#notices")).toBe("");
});

test("everything is forgotten", async () => {
  await driver.click("#privacy");
  await driver.click("#forget");
  await driver.until("#notices", "Everything is forgotten");
  expect(await driver.count("#recordings li")).toBe(0);
  expect(await driver.count("#learned li")).toBe(0);
  expect(await left(page)).toEqual({ rows: [0, 0, 0], caches: [], stored: 0 });
  expect(chromium.foreign).toEqual([]);
});
