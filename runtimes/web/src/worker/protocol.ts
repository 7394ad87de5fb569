/** What the page and its worker say to each other. */
import type { ErrorCode } from "../api.js";

/** The model; sessions have numbers of their own. */
export const MODEL = 0;

export type ToWorker =
  | { kind: "call"; id: number; target: number; method: string; args: unknown[]; told: string[] }
  | { kind: "abort"; id: number };

export type FromWorker =
  | { kind: "answer"; id: number; value: unknown }
  | { kind: "failure"; id: number; code: ErrorCode | undefined; message: string }
  /** A callback that call `id` was given is called. */
  | { kind: "told"; id: number; name: string; args: unknown[] };
