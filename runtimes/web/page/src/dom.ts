/** The little of a framework that this page needs. */

/** The element of an id; the page has it, or is broken. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is not in the page`);
  return found;
}

/** A new element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A button that does something. */
export function button(text: string, onclick: () => void, label?: string): HTMLButtonElement {
  const made = make("button", { type: "button", onclick }, text);
  if (label) made.ariaLabel = label;
  return made;
}

/** Seconds as minutes, seconds and tenths: 83.25 is `1:23.3`. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${Math.floor(tenths / 600)}:${rest}`;
}

/** Bytes in the largest unit that leaves a number above 1. */
export function bytes(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(1)} kB` : `${count} bytes`;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
