/** From the scores of windows to events: a state machine of counted samples that knows no clock. */
import type { Event } from "../api.js";
import type { Limit } from "./rules.js";

/** An event in the making, in samples; `peak` is twice the middle of its best window. */
interface Stretch {
  start: number;
  end: number;
  score: number;
  peak: number;
}

interface Span {
  start: number;
  stop: number;
}

/**
 * Turns the rows of scores of successive windows into events (docs/streaming.md).
 *
 * Each window speaks for the samples nearer to its own middle than to that of any other, and for
 * none outside itself: from seam to seam. What comes out depends on the rows alone.
 */
export class EventDetector {
  /** (labels,) the scores that were last compared with the thresholds. */
  smoothed: Float64Array;
  private span: Span | undefined; // of the last window
  private readonly active = new Set<number>();
  private readonly opened = new Map<number, Stretch>(); // those that are active
  private readonly ended = new Map<number, Stretch>(); // those that may still go on
  private readonly free: Float64Array; // first sample at which a label may start one

  constructor(
    private readonly labels: readonly string[],
    private readonly limits: readonly Limit[],
    private readonly rate: number,
  ) {
    this.smoothed = new Float64Array(labels.length);
    this.free = new Float64Array(labels.length);
  }

  /** The events that are not over yet, as far as they go; any of them may be dropped yet. */
  get open(): Event[] {
    return this.events(new Map([...this.ended, ...this.opened]));
  }

  /**
   * Takes the scores, (labels,), of the next window, whose middle lies behind that of the one
   * before; returns the events that are certain by now, earlier ends first.
   */
  push(start: number, stop: number, scores: Float64Array): Event[] {
    const { end, seam } = this.seam(start, stop);
    this.smooth(start + stop, scores);
    this.span = { start, stop };
    for (const [label, stretch] of [...this.opened]) {
      if ((this.smoothed[label] as number) >= this.limit(label).off) continue;
      this.opened.delete(label);
      this.active.delete(label);
      this.ended.set(label, { ...stretch, end });
    }
    const over = [...this.ended].filter(
      ([label, one]) => seam - one.end >= this.limit(label).minGap,
    );
    const events = this.settle(over.map(([label]) => label));
    this.smoothed.forEach((score, label) => {
      if (!this.active.has(label) && score >= this.limit(label).on) this.begin(label, seam);
    });
    for (const [label, stretch] of this.opened) {
      stretch.end = stop;
      const score = this.smoothed[label] as number;
      if (score > stretch.score) Object.assign(stretch, { score, peak: start + stop });
    }
    return events;
  }

  /** Ends every open event with the last window, and begins anew. */
  finish(): Event[] {
    for (const [label, stretch] of this.opened) this.ended.set(label, stretch);
    this.opened.clear();
    const events = this.settle([...this.ended.keys()]);
    this.active.clear();
    this.free.fill(0);
    this.span = undefined;
    return events;
  }

  /** End of the last window's part and start of this one's; one number but after a gap. */
  private seam(start: number, stop: number): { end: number; seam: number } {
    if (!this.span) return { end: start, seam: start };
    const between = Math.floor((this.span.start + this.span.stop + start + stop) / 4);
    return { end: Math.min(this.span.stop, between), seam: Math.max(start, between) };
  }

  /** Moves the means towards `scores`; `middle` is twice the window's. */
  private smooth(middle: number, scores: Float64Array): void {
    if (!this.span) {
      this.smoothed = Float64Array.from(scores);
      return;
    }
    const passed = (middle - this.span.start - this.span.stop) / 2;
    this.smoothed = scores.map((score, label) => {
      const tau = this.limit(label).smoothing;
      const kept = tau > 0 ? Math.exp(-passed / tau) : 0;
      return score + ((this.smoothed[label] as number) - score) * kept;
    });
  }

  /** Starts an event, goes on with one that a short gap interrupted, or waits. */
  private begin(label: number, seam: number): void {
    const resumed = this.ended.get(label);
    if (!resumed && seam < (this.free[label] as number)) return;
    this.ended.delete(label);
    this.opened.set(label, resumed ?? { start: seam, end: seam, score: -1, peak: 0 });
    this.active.add(label);
  }

  /** Takes events that are over; the short ones are dropped. */
  private settle(over: readonly number[]): Event[] {
    const done = new Map<number, Stretch>();
    for (const label of over) {
      const one = this.ended.get(label) as Stretch;
      this.ended.delete(label);
      if (one.end - one.start < this.limit(label).minDuration) continue;
      this.free[label] = one.end + this.limit(label).refractory;
      done.set(label, one);
    }
    return this.events(done);
  }

  private events(stretches: ReadonlyMap<number, Stretch>): Event[] {
    return [...stretches]
      .sort(([a, one], [b, other]) => one.end - other.end || a - b)
      .map(([label, one]) => ({
        label: this.labels[label] as string,
        score: one.score,
        start: one.start / this.rate,
        end: one.end / this.rate,
        peak: one.peak / 2 / this.rate,
      }));
  }

  private limit(label: number): Limit {
    return this.limits[label] as Limit;
  }
}
