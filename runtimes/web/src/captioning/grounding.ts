/** Which of several sentences the sound supports, without the parts that it does not. */
import type { CaptionWord } from "../api.js";
import { probability, type Scale } from "../scoring.js";
import { cosines, dot, joined, row } from "../vectors.js";
import { sentence } from "./vocabulary.js";

const SUPPORTED = 0.95; // least support of the best word of a part
const TEMPERATURE = 0.05; // of the softmax over cosines
// Words that name no sound: a part of a sentence stands and falls with the others.
const NO_SOUND = `
  a an and the of in on at by to from with without while as is are be being was were it its then
  followed after before during near nearby distance distant background foreground something
  someone some several multiple various many few one two three four other another again times
  time repeatedly continuously occasionally briefly once twice very slightly more sound sounds
  sounding noise noises heard occurs occur plays present up down out off away over into onto
  through around together that this there their them they which who all loud loudly quiet quietly
  soft softly faint faintly high low pitched constant continuous steady intermittent slow slowly
  fast quickly close far somewhere can or for until each nothing
`;
const EMPTY = new Set(NO_SOUND.trim().split(/\s+/));
const JOINTS = new Set([",", ";", ..."and while as then followed with before after".split(" ")]);

type Embed = (texts: readonly string[]) => Promise<Float32Array>;

/** The words that are kept, and the words of their sentence that were checked. */
export interface Grounded {
  words: string[];
  checked: CaptionWord[];
}

/** A sentence in parts, and which of them stay. */
interface Way {
  parts: string[][];
  kept: boolean[];
}

/**
 * Chooses among sentences, and parts of them, what the sound supports, as the Python runtime does.
 *
 * A part ends at a comma or at a word that joins two parts; one without a supported word goes, and
 * one that says nothing new, and a sentence that names nothing. Of what is left of the sentences,
 * and of their parts alone, the one is chosen that is most like what the sound is believed to be:
 * its projection onto labels and words, a softmax over cosines (DeCap, arXiv:2303.03032, section
 * 3.3).
 *
 * @param sentences words of each, the likeliest sentence first; at least one.
 * @param heard embeddings of what was heard, (dim,) each, first as a whole.
 * @param labels (labels * dim,) what else the sound may be.
 */
export async function ground(
  sentences: readonly string[][],
  heard: readonly Float32Array[],
  labels: Float32Array,
  embed: Embed,
  calibration: Scale,
): Promise<Grounded> {
  const naming = sentences.filter((words) => words.some(namesSomething));
  const asked = [...new Set(naming.flat().filter(namesSomething))].sort();
  const [clip] = heard;
  if (asked.length === 0 || !clip) return { words: [...(sentences[0] ?? [])], checked: [] };
  const rows = await embed(asked);
  const found = new Map(
    asked.map((word, at) => {
      const vector = row(rows, clip.length, at);
      const cosine = Math.max(...heard.map((one) => Math.fround(dot(vector, one))));
      return [word, probability(cosine, calibration)];
    }),
  );
  const ways = naming.flatMap((words) => waysOf(partsOf(words), found));
  const left = ways.map(({ parts, kept }) => joinedParts(parts.filter((_, at) => kept[at])));
  const belief = projection(clip, joined([labels, rows]));
  const likely = cosines(await embed(left.map(sentence)), belief);
  const best = likely.indexOf(likely.reduce((one, other) => Math.max(one, other)));
  const { parts, kept } = ways[best] as Way;
  const checked = parts.flatMap((part, at) =>
    part
      .filter((word) => found.has(word))
      .map((text) => ({ text, support: found.get(text) as number, kept: kept[at] as boolean })),
  );
  return { words: left[best] as string[], checked };
}

/** What is left of a sentence, and each of the parts that stay by itself. */
function waysOf(parts: string[][], found: ReadonlyMap<string, number>): Way[] {
  const kept = supported(parts, found);
  const staying = kept.flatMap((stays, at) => (stays ? [at] : []));
  const alone = staying.map((at) => ({ parts, kept: parts.map((_, other) => other === at) }));
  return [{ parts, kept }, ...(staying.length > 1 ? alone : [])];
}

/** Which parts stay, by the support that was found of their words. */
function supported(parts: readonly string[][], found: ReadonlyMap<string, number>): boolean[] {
  const best = parts.map((part) => Math.max(0, ...part.map((word) => found.get(word) ?? 0)));
  const least = Math.min(SUPPORTED, Math.max(...best));
  const said = new Set<string>();
  return parts.map((part, at) => {
    const names = part.filter((word) => found.has(word));
    const old = names.length > 0 && names.every((word) => said.has(word));
    const stays = (best[at] as number) >= least && !old;
    if (stays) for (const name of names) said.add(name);
    return stays;
  });
}

/** The mean of `bank`, weighed by likeness to `vector`, (dim,); its length says nothing. */
function projection(vector: Float32Array, bank: Float32Array): Float32Array {
  const sums = new Float64Array(vector.length);
  cosines(bank, vector).forEach((cosine, at) => {
    const weight = Math.exp((cosine - 1) / TEMPERATURE);
    row(bank, vector.length, at).forEach((value, d) => {
      sums[d] = (sums[d] as number) + weight * value;
    });
  });
  return Float32Array.from(sums);
}

/** Whether a word is one that a sound can support. */
function namesSomething(word: string): boolean {
  return /^[a-z]{3,}$/.test(word) && !EMPTY.has(word);
}

/** The parts of a sentence, each beginning with what joins it to the one before. */
function partsOf(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (JOINTS.has(word) && parts[parts.length - 1]?.some(namesSomething)) parts.push([]);
    parts[parts.length - 1]?.push(word);
  }
  if (parts.length > 1 && !parts[parts.length - 1]?.some(namesSomething)) {
    const last = parts.pop() ?? [];
    parts[parts.length - 1]?.push(...last);
  }
  return parts;
}

/** One sentence of what is left; its first part loses what joined it. */
function joinedParts(parts: readonly string[][]): string[] {
  const words = parts.flat();
  const first = words.findIndex((word) => !JOINTS.has(word) && word !== "by");
  return first < 0 ? [] : words.slice(first);
}
