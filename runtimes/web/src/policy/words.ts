/** Words that name a sensitive inference by themselves; `concepts` judges what they do not. */
import type { Category } from "../api.js";
import sensitive from "./sensitive.json" with { type: "json" };

const LETTER = "[\\p{L}\\p{N}_]";

/** Python's `\w` and `\b`, which know more letters than those of JavaScript. */
const PATTERNS = Object.entries(sensitive.words).map(([category, words]): [Category, RegExp] => [
  category as Category,
  new RegExp(`(?<!${LETTER})(?:${words.replaceAll("\\w", LETTER)})(?!${LETTER})`, "u"),
]);

/** The sensitive inference that a word of `text` names. */
export function named(text: string): Category | undefined {
  const plain = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replaceAll("\u2019", "'")
    .split(/\s+/)
    .join(" ")
    .trim();
  return PATTERNS.find(([, pattern]) => pattern.test(plain))?.[0];
}
