/** What the Python runtime answered (`make_goldens.py`). */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Caption, EventRule, Event as SoundEvent, Style, Tag } from "../src/api.js";
import { type Piece, sound } from "./sounds.js";

export const SHIPPED = join(import.meta.dirname, "../../../tinyalm/assets/micro.tinyalm");

interface Tags {
  tags: Tag[];
  segments: { start: number; end: number; tags: Omit<Tag, "start" | "end">[] }[];
}

export interface Clip {
  name: string;
  rate: number;
  /** Null where the samples lie in a file beside. */
  pieces: Piece[] | null;
  spans: [number, number][];
  embeddings: string;
  own: Tags;
  asked: Tags;
}

export interface Golden {
  precision: string;
  clips: Clip[];
  labels: { texts: string[]; embeddings: string };
  ownLabels: string;
  tokens: [string, number[]][];
  logMel: string;
  stream: { pieces: Piece[]; runs: { rule: EventRule; events: SoundEvent[] }[] };
  learned: {
    clips: Piece[][];
    others: Piece[][];
    embedding: string;
    scale: number;
    bias: number;
    threshold: number;
    tags: Tag[];
  };
  captions?: { clip: string; beam: number; style: Style; caption: Caption }[];
}

export interface Common {
  resampled: { from: number; to: number; pieces: Piece[]; samples: string }[];
  named: [string, string | null][];
}

/** A bundle and what Python answered with it. */
export interface Case {
  name: string;
  folder: string;
  bundle: string;
  golden: Golden;
}

export const COMMON = read(join(import.meta.dirname, "golden/micro.json")) as Common;

/** The shipped bundle, and those under `TINYALM_WEB_GOLDENS`: folders with golden and bundle. */
export function cases(): Case[] {
  const own = join(import.meta.dirname, "golden");
  const golden = read(join(own, "micro.json")) as Golden;
  const shipped = { name: "micro", folder: own, bundle: SHIPPED, golden };
  const given = process.env.TINYALM_WEB_GOLDENS;
  const all = given && existsSync(given) ? readdirSync(given) : [];
  const folders = all.filter((name) => existsSync(join(given as string, name, "golden.json")));
  const others = folders.map((name) => {
    const folder = join(given as string, name);
    const content = read(join(folder, "golden.json")) as Golden & { bundle: string };
    return { name, folder, bundle: content.bundle, golden: content };
  });
  return [shipped, ...others];
}

/** The samples of a clip, (samples,). */
export function samplesOf(clip: Clip, folder: string): Float32Array {
  if (clip.pieces) return sound(clip.pieces, clip.rate);
  return floats(readFileSync(join(folder, `${clip.name}.f32`)));
}

/** Numbers that were packed as base64. */
export function unpacked(text: string): Float32Array {
  return floats(Buffer.from(text, "base64"));
}

/** The largest difference of two arrays of one length. */
export function largestDifference(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  return Array.from(one).reduce((most, value, at) => {
    const difference = Math.abs(value - (other[at] as number));
    return difference <= most
      ? most
      : Number.isNaN(difference)
        ? Number.POSITIVE_INFINITY
        : difference;
  }, 0);
}

/** The float32 numbers of a file. */
export function floats(raw: Buffer): Float32Array {
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf-8"));
}
