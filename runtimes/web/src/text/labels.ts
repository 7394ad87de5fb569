/** Label lists: what a recording is asked about. */
import { TinyalmError } from "../errors.js";

/** The labels without the white space around them; an empty list, blank or double one is refused. */
export function checkLabels(labels: readonly string[]): string[] {
  if (!Array.isArray(labels)) throw refusal("labels are no list; give a list of texts");
  const checked = new Map<string, number>();
  labels.forEach((label: unknown, index) => {
    const number = index + 1;
    if (typeof label !== "string") {
      throw refusal(`label ${number} is no text; write it in words`);
    }
    const text = label.trim();
    if (!text) throw refusal(`label ${number} is blank; give it words or leave it out`);
    const before = checked.get(text);
    if (before !== undefined) {
      throw refusal(`label "${text}" is there twice, as number ${before} and ${number}; keep one`);
    }
    checked.set(text, number);
  });
  if (checked.size === 0) throw refusal("the list of labels is empty; give at least one");
  return [...checked.keys()];
}

/** Each label put into `template` where it says `{}`. */
export function fillTemplate(template: string, labels: readonly string[]): string[] {
  const parts = template.split("{}");
  if (parts.length !== 2) {
    throw refusal(
      `template "${template}" must hold {} once, where the label goes, as in 'the sound of {}'`,
    );
  }
  return labels.map((label) => parts.join(label));
}

function refusal(message: string): TinyalmError {
  return new TinyalmError("bad-setting", message);
}
