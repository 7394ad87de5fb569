/** What the page says where something is wrong with the world around it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startChromium, type Witnessed } from "./chromium.js";
import { Driver } from "./driver.js";
import { Site } from "./site.js";
import { hissAndWhistle, hours } from "./sounds.js";

const folder = mkdtempSync(join(tmpdir(), "tinyalm-sounds-"));
let site: Site;
let chromium: Witnessed;

beforeAll(async () => {
  chromium = await startChromium(undefined);
  site = await Site.start();
});

afterAll(async () => {
  await chromium?.close();
  await site?.stop();
  rmSync(folder, { recursive: true });
});

/** A page with a memory of its own. */
async function open(): Promise<Page> {
  const context = await chromium.browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(site.url);
  return page;
}

test.each([
  [
    "audio.onnx",
    (body: Buffer) => Buffer.concat([body.subarray(0, -1), Buffer.of(7)]),
    "audio.onnx: altered since the bundle was made (wrong hash)",
  ],
  [
    "bundle.json",
    (body: Buffer) =>
      Buffer.from(body.toString().replace(/"format_version": \d+/, '"format_version": 99')),
    "format version 99",
  ],
])("an altered %s is said", async (name, change, said) => {
  site.alter = (path, body) => (path.endsWith(name) ? change(body) : undefined);
  const page = await open();
  const driver = new Driver(page);
  await driver.until("#notices", said);
  expect(await driver.text("#loading-what")).toContain("not start");
  await page.browserContext().close();
  site.alter = undefined;
});

test("a microphone that is refused is said", async () => {
  const wav = hissAndWhistle(join(folder, "microphone.wav"), 2);
  const other = await startChromium(wav, false);
  const page = await other.browser.newPage();
  await page.goto(site.url);
  const driver = new Driver(page);
  await driver.there("#app:not([hidden])");
  const session = await page.createCDPSession();
  await session.send("Browser.setPermission", {
    permission: { name: "microphone" },
    setting: "denied",
    origin: new URL(site.url).origin,
  });
  await driver.click("#record");
  await driver.until("#notices", "the microphone was not permitted; allow it in the address bar");
  expect(await driver.text("#record")).toBe("Record");
  await other.close();
});

test("no microphone and a full device cost nothing that is shown", async () => {
  const page = await open();
  const driver = new Driver(page);
  await driver.there("#app:not([hidden])");
  await driver.click("#record");
  await driver.until("#notices", "the microphone is not there; plug one in");
  const session = await page.createCDPSession();
  const { origin } = new URL(site.url);
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
  await driver.drop(hissAndWhistle(join(folder, "hiss.wav"), 3));
  await driver.until("#notices", "hiss.wav: shown, but not kept for your next visit");
  await driver.there("#recording:not([hidden])");
  expect(await driver.text("#record")).toBe("Record");
  await page.browserContext().close();
});

test("what is no audio is said, and two hours can be cancelled", async () => {
  const page = await open();
  const driver = new Driver(page);
  await driver.there("#app:not([hidden])");
  await driver.drop(hissAndWhistle(join(folder, "hiss.wav"), 3));
  await driver.until("#recordings", "hiss.wav");
  writeFileSync(join(folder, "letter.wav"), "Dear all, this is no sound.");
  await driver.drop(join(folder, "letter.wav"));
  await driver.until("#notices", "letter.wav");
  await driver.drop(hours(join(folder, "night.wav"), 2));
  await driver.until("#work-what", "Hearing night.wav: 0:1");
  await driver.click("#cancel");
  await driver.until("#notices", "night.wav: cancelled");
  expect(await driver.count("#recordings li")).toBe(1);
  expect(await driver.count("#notices p")).toBe(2);
});
