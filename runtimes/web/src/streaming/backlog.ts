/** Windows that wait for the model, and what gives way when there are too many. */
import { TinyalmError } from "../errors.js";
import { dot } from "../vectors.js";
import type { Cut } from "../windows.js";

/** A window that waits, and how many it took the place of. */
interface Waiting extends Cut {
  merged: number;
}

/**
 * A queue of at most `size` windows. `dropOldest` loses the window that waited longest. `merge`
 * makes two neighbours one: the louder of them, which then speaks for both, of those that took the
 * place of fewest, so that resolution is lost evenly and no stretch of time is.
 */
export class Backlog {
  windows = 0;
  dropped = 0;
  merged = 0;
  private readonly waiting: Waiting[] = [];

  constructor(
    private readonly size: number,
    private readonly whenFull: "dropOldest" | "merge",
  ) {
    if (!(size >= 1)) {
      throw new TinyalmError(
        "bad-setting",
        `backlog is ${size}; at least one window must be able to wait`,
      );
    }
    if (whenFull !== "dropOldest" && whenFull !== "merge") {
      throw new TinyalmError("bad-setting", `whenFull is ${whenFull}; it is dropOldest or merge`);
    }
  }

  /** Lets a window wait, and others give way where there is no room. */
  put(cut: Cut): void {
    this.windows++;
    this.waiting.push({ ...cut, merged: 0 });
    if (this.waiting.length <= this.size) return;
    if (this.whenFull === "merge") {
      this.merge();
    } else {
      this.waiting.shift()?.window.fill(0);
      this.dropped++;
    }
  }

  /** The window that waited longest. */
  take(): Cut | undefined {
    return this.waiting.shift();
  }

  /** Overwrites what waits with zeros, and forgets it. */
  close(): void {
    for (const one of this.waiting.splice(0)) one.window.fill(0);
  }

  private merge(): void {
    const counts = this.waiting.map(({ merged }) => merged);
    const sums = counts.slice(1).map((count, index) => count + (counts[index] as number));
    const at = sums.indexOf(Math.min(...sums));
    const [one, other] = this.waiting.slice(at, at + 2) as [Waiting, Waiting];
    const louder = dot(one.window, one.window) >= dot(other.window, other.window);
    const { window } = louder ? one : other;
    (louder ? other : one).window.fill(0);
    const merged = one.merged + other.merged + 1;
    this.waiting.splice(at, 2, { start: one.start, stop: other.stop, window, merged });
    this.merged++;
  }
}
