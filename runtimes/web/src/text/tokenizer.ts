/** Texts to token ids, from `tokenizer.json` in the format of Hugging Face's tokenizers. */
import { reasonOf, TinyalmError } from "../errors.js";
import {
  anything,
  flag,
  list,
  nullable,
  oneOf,
  optional,
  record,
  SchemaError,
  struct,
  text,
  whole,
} from "../schema.js";

const model = struct({
  type: optional(oneOf("WordPiece", "WordLevel"), "WordPiece"),
  unk_token: optional(text, "[UNK]"),
  continuing_subword_prefix: optional(text, "##"),
  max_input_chars_per_word: optional(whole, 100),
  vocab: record(whole),
});

const normalizer = struct({
  type: oneOf("BertNormalizer"),
  clean_text: flag,
  handle_chinese_chars: flag,
  strip_accents: nullable(flag),
  lowercase: flag,
});

const added = struct({
  id: whole,
  content: text,
  single_word: anything,
  lstrip: anything,
  rstrip: anything,
  normalized: anything,
  special: anything,
});

const padding = struct({
  strategy: anything,
  direction: anything,
  pad_to_multiple_of: anything,
  pad_id: whole,
  pad_type_id: anything,
  pad_token: anything,
});

const nothing = (value: unknown, path: string): null => {
  if (value == null) return null;
  throw new SchemaError(`${path} is of a kind that cannot be read here`);
};

const tokenizerFile = struct({
  version: anything,
  truncation: anything,
  padding: nullable(padding),
  added_tokens: optional(list(added), []),
  normalizer: nullable(normalizer),
  pre_tokenizer: struct({ type: oneOf("BertPreTokenizer", "Whitespace") }),
  post_processor: nothing,
  decoder: anything,
  model,
});

type File = ReturnType<typeof tokenizerFile>;

const IDEOGRAPHS =
  /[\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]/gu;
const DROPPED = /\0|\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}]/gu;
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const WHITESPACE_WORDS = new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, "gu");

/** Makes token ids of texts; those of more than `maxTokens` are cut. */
export class Tokenizer {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly special: RegExp | undefined;

  private constructor(
    private readonly file: File,
    private readonly maxTokens: number,
  ) {
    this.ids = new Map(Object.entries(file.model.vocab));
    const contents = file.added_tokens.map(({ content }) => content).filter(Boolean);
    const escaped = contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    this.special = escaped.length ? new RegExp(`(${escaped.join("|")})`, "u") : undefined;
  }

  /** Reads the bytes of `tokenizer.json`; messages call it `label`. */
  static read(raw: Uint8Array, label: string, maxTokens: number): Tokenizer {
    try {
      const content: unknown = JSON.parse(new TextDecoder().decode(raw));
      return new Tokenizer(tokenizerFile(content, "tokenizer"), maxTokens);
    } catch (error) {
      throw new TinyalmError(
        "bad-bundle",
        `${label}: no tokenizer that can be read here (${reasonOf(error)}); export the bundle again`,
      );
    }
  }

  /** The id that fills short texts up. */
  get padId(): number {
    return this.file.padding?.pad_id ?? 0;
  }

  /** Texts of the ids 0, 1, …; empty where there is none. */
  get tokens(): string[] {
    const tokens: string[] = [];
    for (const [token, id] of this.ids) tokens[id] = token;
    return Array.from(tokens, (token) => token ?? "");
  }

  /** Token ids of a text, at least one. */
  encode(given: string): number[] {
    const ids = this.parts(given).flatMap((part) => this.encodePart(part));
    if (ids.length === 0) {
      throw new TinyalmError(
        "bad-setting",
        `the text ${JSON.stringify(given)} has no word in it; give it one or leave it out`,
      );
    }
    return ids.slice(0, this.maxTokens);
  }

  /** The text between special tokens, and these by themselves. */
  private parts(given: string): string[] {
    return this.special ? given.split(this.special).filter(Boolean) : [given];
  }

  private encodePart(part: string): number[] {
    const special = this.file.added_tokens.find(({ content }) => content === part);
    if (special) return [special.id];
    const normal = this.file.normalizer ? normalized(part, this.file.normalizer) : part;
    const bert = this.file.pre_tokenizer.type === "BertPreTokenizer";
    const words = bert ? bertWords(normal) : (normal.match(WHITESPACE_WORDS) ?? []);
    return words.flatMap((word) => this.pieces(word));
  }

  /** Greedy longest match first (WordPiece), or the word as it stands (WordLevel). */
  private pieces(word: string): number[] {
    const { type, unk_token, continuing_subword_prefix, max_input_chars_per_word } =
      this.file.model;
    const unknown = this.ids.get(unk_token);
    const whole = this.ids.get(word) ?? unknown;
    if (type === "WordLevel") return whole === undefined ? [] : [whole];
    const letters = Array.from(word);
    if (letters.length > max_input_chars_per_word) return unknown === undefined ? [] : [unknown];
    const found: number[] = [];
    for (let start = 0; start < letters.length; ) {
      const prefix = start > 0 ? continuing_subword_prefix : "";
      let stop = letters.length;
      let id: number | undefined;
      for (; stop > start && id === undefined; stop--) {
        id = this.ids.get(prefix + letters.slice(start, stop).join(""));
      }
      if (id === undefined) return unknown === undefined ? [] : [unknown];
      found.push(id);
      start = stop + 1;
    }
    return found;
  }
}

function normalized(given: string, how: NonNullable<File["normalizer"]>): string {
  let made = given;
  if (how.clean_text) made = made.replace(DROPPED, "").replace(/\p{White_Space}/gu, " ");
  if (how.handle_chinese_chars) made = made.replace(IDEOGRAPHS, " $& ");
  if (how.strip_accents ?? how.lowercase) made = made.normalize("NFD").replace(/\p{Mn}/gu, "");
  // Letter by letter: a word's last sigma is a sigma.
  if (how.lowercase) made = Array.from(made, (letter) => letter.toLowerCase()).join("");
  return made;
}

/** Words between blanks, punctuation by itself. */
function bertWords(given: string): string[] {
  const words: string[] = [];
  let word = "";
  for (const letter of given) {
    const blank = /\p{White_Space}/u.test(letter);
    const alone = PUNCTUATION.test(letter);
    if (!blank && !alone) {
      word += letter;
      continue;
    }
    if (word) words.push(word);
    if (alone) words.push(letter);
    word = "";
  }
  if (word) words.push(word);
  return words;
}
