/** What tests do with a page and ask of it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ElementHandle, Page } from "puppeteer-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = { timeout: 60_000 };

/** Waits for what it looks for, as long as a busy machine may take. */
export class Driver {
  constructor(private readonly page: Page) {}

  text(selector: string): Promise<string> {
    return this.page.$eval(selector, (found) => found.textContent ?? "");
  }

  count(selector: string): Promise<number> {
    return this.page.$$eval(selector, (found) => found.length);
  }

  async there(selector: string): Promise<void> {
    await this.page.waitForSelector(selector, PATIENCE);
  }

  async until(selector: string, words: string): Promise<void> {
    await this.page.waitForFunction(
      (where, what) => document.querySelector(where)?.textContent?.includes(what),
      PATIENCE,
      selector,
      words,
    );
  }

  click(selector: string): Promise<void> {
    return this.page.locator(selector).setTimeout(PATIENCE.timeout).click();
  }

  async type(selector: string, words: string): Promise<void> {
    await this.page.focus(selector);
    await this.page.$eval(selector, (field) => (field as HTMLInputElement).select());
    await this.page.keyboard.press("Backspace");
    await this.page.keyboard.type(words);
  }

  async drop(...paths: string[]): Promise<void> {
    const input = (await this.page.$("#files")) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(...paths);
  }

  /** Shows the first recording with these words in its name. */
  async choose(words: string): Promise<void> {
    await this.page.evaluate((name) => {
      const buttons = [...document.querySelectorAll<HTMLElement>("#recordings button")];
      buttons.find((one) => one.textContent?.includes(name))?.click();
    }, words);
    await this.until("#recording-name", words);
  }
}

/** What axe-core finds to be inaccessible. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}

/** What a page still keeps: rows of each table, names of caches, number of other values. */
export function left(page: Page): Promise<{ rows: number[]; caches: string[]; stored: number }> {
  return page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const rows: number[] = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name ?? ""));
      for (const table of database.objectStoreNames) {
        rows.push(await done(database.transaction(table).objectStore(table).count()));
      }
    }
    return { rows, caches: await caches.keys(), stored: localStorage.length };
  });
}
