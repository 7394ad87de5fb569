/** A policy: the tasks, labels and inferences that an application may ask for, and no others. */
import type { Policy } from "../api.js";
import { fetched } from "../bundle/files.js";
import { reasonOf, TinyalmError } from "../errors.js";
import {
  list,
  nullable,
  number,
  oneOf,
  optional,
  type Reader,
  SchemaError,
  struct,
  text,
  whole,
} from "../schema.js";
import sensitive from "./sensitive.json" with { type: "json" };

export const TASKS = ["tag", "listen", "index", "search", "learn", "embed", "caption"] as const;
const CATEGORIES = ["identity", "age", "gender", "emotion", "health", "ethnicity"] as const;
const FORMAT_VERSION = 1;

/** Where nobody gave a policy: every task, and no sensitive inference. */
const DEFAULT: Policy = { format_version: 1, name: "the default policy", tasks: TASKS };

const family: Reader<string> = (value, path) => {
  const families = Object.keys(sensitive.families);
  return oneOf(...families)(value, path);
};

const policy = struct({
  format_version: whole,
  tasks: list(oneOf(...TASKS)),
  name: optional(text, "policy"),
  labels: nullable(list(text)),
  families: nullable(list(family)),
  sensitive: optional(list(oneOf(...CATEGORIES)), []),
  speech: optional(oneOf("keep", "project", "drop", "refuse"), "keep"),
  retention_days: nullable(number),
  audit: nullable(text),
});

/** A policy that is given, at an address, or the default; every field is checked. */
export async function policyOf(
  given: Policy | string | URL | undefined,
  signal: AbortSignal | undefined,
): Promise<Policy> {
  if (given === undefined) return DEFAULT;
  if (typeof given !== "string" && !(given instanceof URL)) return checked(given, "the policy");
  const base = (globalThis as { document?: Document }).document?.baseURI;
  const address = new URL(given, base ?? globalThis.location?.href);
  const raw = await fetched(address, signal, "bad-setting");
  try {
    return checked(JSON.parse(new TextDecoder().decode(raw)), address.href);
  } catch (error) {
    if (error instanceof TinyalmError) throw error;
    throw refusal(address.href, reasonOf(error));
  }
}

/** The labels of some families, in AudioSet's order. */
export function labelsOf(families: readonly string[]): string[] {
  const known: Record<string, string[]> = sensitive.families;
  return families.flatMap((name) => known[name] ?? []);
}

function checked(given: unknown, label: string): Policy {
  try {
    const { format_version, ...read } = policy(given, "policy");
    if (format_version !== FORMAT_VERSION) {
      throw new SchemaError(
        `format_version is ${format_version}, and ${FORMAT_VERSION} is read here`,
      );
    }
    if (read.retention_days !== null && !(read.retention_days > 0)) {
      throw new SchemaError(`retention_days is ${read.retention_days}; it must be above 0`);
    }
    // What cannot be kept is refused, not ignored.
    if (read.speech !== "keep") {
      throw new SchemaError(`speech = "${read.speech}" cannot be kept in the browser`);
    }
    if (read.audit !== null) throw new SchemaError("audit cannot be kept in the browser");
    return { ...read, format_version };
  } catch (error) {
    throw refusal(label, reasonOf(error));
  }
}

function refusal(label: string, reason: string): TinyalmError {
  return new TinyalmError("bad-setting", `${label}: no policy (${reason}); see docs/privacy.md`);
}
