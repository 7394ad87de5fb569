/** Token ids of captions to words. */
import type { Style } from "../api.js";
import { TinyalmError } from "../errors.js";
import { Tokenizer } from "../text/tokenizer.js";

export const END = 2;
export const SPECIAL = ["[PAD]", "[UNK]", "[END]", "[FULL]", "[SHORT]"];
/** The token that a sentence begins with. */
export const STYLES: Readonly<Record<Style, number>> = { full: 3, short: 4 };
const PIECE = "##"; // begins a token that goes on with the word before it
const CLOSE = [",", ".", "'", "-", ";", ":", "!", "?"]; // written without a blank before them
const OPEN = /['-]$/; // and without one behind them

/** The tokens of a captioner. */
export class Vocabulary {
  private readonly tokens: readonly string[];

  /** @param raw bytes of its tokenizer. @param size tokens that its graph knows. */
  constructor(raw: Uint8Array, label: string, size: number) {
    this.tokens = Tokenizer.read(raw, label, size).tokens;
    if (this.tokens.length !== size || SPECIAL.some((token, id) => this.tokens[id] !== token)) {
      throw new TinyalmError(
        "bad-bundle",
        `${label}: has ${this.tokens.length} tokens, and the captioner was made with ${size} after ` +
          `${SPECIAL.join(" ")}; export the bundle again with the captioner's own`,
      );
    }
  }

  /** The words of a sentence, pieces joined; punctuation is a word of its own. */
  words(ids: readonly number[]): string[] {
    const words: string[] = [];
    for (const id of ids) {
      const token = this.tokens[id] ?? "";
      const last = words.length - 1;
      if (token.startsWith(PIECE) && last >= 0) words[last] += token.slice(PIECE.length);
      else if (id >= SPECIAL.length) words.push(token);
    }
    return words;
  }
}

/** Words as people write them: `["a", "dog", ",", "rain"]` is `a dog, rain`. */
export function sentence(words: readonly string[]): string {
  return words.reduce((text, word) => {
    const close = CLOSE.includes(word) || !text || OPEN.test(text);
    return text + (close ? word : ` ${word}`);
  }, "");
}
