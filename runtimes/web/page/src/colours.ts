/** Colours of what is drawn, from the style sheet, so that dark and light follow it. */

/** Violet to yellow, as even to the eye as a few stops are. */
const STOPS = [
  [13, 8, 60],
  [88, 24, 122],
  [183, 55, 121],
  [251, 136, 97],
  [252, 253, 191],
] as const;
const STEPS = 256;

/** (256 * 4,) RGBA from quiet to loud. */
export const LOUDNESS = Uint8ClampedArray.from({ length: STEPS * 4 }, (_, at) => {
  const channel = at % 4;
  if (channel === 3) return 255;
  const place = (Math.floor(at / 4) / (STEPS - 1)) * (STOPS.length - 1);
  const below = Math.min(Math.floor(place), STOPS.length - 2);
  const from = STOPS[below]?.[channel] ?? 0;
  const to = STOPS[below + 1]?.[channel] ?? 0;
  return from + (to - from) * (place - below);
});

export function styled(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/** Calls back where the system turns dark or light. */
export function onScheme(listener: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener);
}
