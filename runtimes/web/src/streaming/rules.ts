/** What makes an event out of scores: thresholds and times, for all labels or for one. */
import type { EventRule, Hysteresis } from "../api.js";
import { TinyalmError } from "../errors.js";
import { roundHalfEven } from "../rounding.js";

const OFF_FRACTION = 0.8; // of the threshold that starts an event: the one that ends it
const DEFAULT_ON = 0.5; // of a label without a threshold of its own
const SECONDS = ["minDurationS", "minGapS", "refractoryS", "smoothingS"] as const;
const FIELDS = ["on", "off", ...SECONDS, "labels"];

/** A label's rule in the numbers that scores and samples are compared with. */
export interface Limit {
  on: number;
  off: number;
  /** Samples, as are the next three. */
  minDuration: number;
  minGap: number;
  refractory: number;
  smoothing: number;
}

/**
 * A rule in numbers, one `Limit` a label.
 *
 * @param thresholds scores, the labels' own; undefined where a label has none.
 * @param rate Hz.
 */
export function limits(
  rule: EventRule,
  labels: readonly string[],
  thresholds: readonly (number | undefined)[],
  rate: number,
): Limit[] {
  check(rule, "the rule");
  for (const [label, own] of Object.entries(rule.labels ?? {})) {
    if (!labels.includes(label)) {
      throw refusal(`the rule names "${label}", which is none of the labels asked`);
    }
    check(own, `the rule of "${label}"`);
  }
  return labels.map((label, index) => {
    const own = rule.labels?.[label] ?? {};
    const seconds = (name: (typeof SECONDS)[number]) => (own[name] ?? rule[name] ?? 0) * rate;
    return {
      ...onOff(rule, own, label, thresholds[index] ?? DEFAULT_ON),
      minDuration: roundHalfEven(seconds("minDurationS")),
      minGap: roundHalfEven(seconds("minGapS")),
      refractory: roundHalfEven(seconds("refractoryS")),
      smoothing: seconds("smoothingS"),
    };
  });
}

/** A label that sets `on` takes no `off` from the rule of all. */
function onOff(rule: Hysteresis, own: Hysteresis, label: string, threshold: number) {
  const on = own.on ?? rule.on ?? threshold;
  const off = own.off ?? (own.on === undefined ? rule.off : undefined);
  if (off !== undefined && off > on) {
    throw refusal(`off ${off} is above ${on}, where "${label}" starts; make it lower`);
  }
  return { on, off: off ?? OFF_FRACTION * on };
}

function check(rule: Hysteresis, name: string): void {
  const unknown = Object.keys(rule).find((field) => !FIELDS.includes(field));
  if (unknown) throw refusal(`${name} has the unknown field ${unknown}`);
  const { on, off } = rule;
  if (on !== undefined && !(on > 0 && on <= 1)) {
    throw refusal(`on is ${on}; a score to start at is above 0 and at most 1`);
  }
  if (off !== undefined && !(off >= 0 && off <= 1)) {
    throw refusal(`off is ${off}; a score to end below is from 0 to 1`);
  }
  if (on !== undefined && off !== undefined && off > on) {
    throw refusal(`off ${off} is above on ${on}; make it at most that`);
  }
  for (const field of SECONDS) {
    const seconds = rule[field] ?? 0;
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) {
      throw refusal(`${field} is ${seconds}; it is in seconds and at least 0`);
    }
  }
}

function refusal(message: string): TinyalmError {
  return new TinyalmError("bad-setting", message);
}
