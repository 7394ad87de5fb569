import { describe, expect, it } from "vitest";
import type { EventRule } from "../src/api.js";
import { Backlog } from "../src/streaming/backlog.js";
import { EventDetector } from "../src/streaming/events.js";
import { limits } from "../src/streaming/rules.js";

/** Events of one label's scores, windows of 2 s every second. */
function eventsOf(scores: readonly number[], rule: EventRule) {
  const detector = new EventDetector(["x"], limits(rule, ["x"], [undefined], 1), 1);
  const events = scores.flatMap((score, at) => detector.push(at, at + 2, Float64Array.of(score)));
  return [...events, ...detector.finish()].map(({ start, end, peak }) => [start, end, peak]);
}

describe("events", () => {
  it("start at on and end below off, from seam to seam", () => {
    expect(eventsOf([0, 0.6, 0.9, 0.45, 0.3, 0], { on: 0.5, off: 0.4 })).toEqual([[1, 4, 3]]);
  });

  it("reach from the beginning to the end of the stream", () => {
    expect(eventsOf([0.9, 0.9, 0.9], { on: 0.5 })).toEqual([[0, 4, 1]]);
  });

  it("are one where the gap between them is short", () => {
    const scores = [0.9, 0, 0.9, 0, 0, 0, 0.9];
    expect(eventsOf(scores, { on: 0.5, minGapS: 2 })).toEqual([
      [0, 3, 1],
      [6, 8, 7],
    ]);
  });

  it("are dropped where they are short, and rest after an event", () => {
    expect(eventsOf([0, 0.9, 0, 0, 0.9, 0.9, 0.9, 0], { on: 0.5, minDurationS: 2 })).toEqual([
      [4, 7, 5],
    ]);
    expect(eventsOf([0.9, 0, 0.9, 0, 0.9, 0], { on: 0.5, refractoryS: 3 })).toEqual([
      [0, 1, 1],
      [4, 5, 5],
    ]);
  });

  it("follow the smoothed score", () => {
    expect(eventsOf([0, 0.9, 0, 0], { on: 0.8, smoothingS: 1 })).toEqual([]);
    expect(eventsOf([0, 1, 1, 1, 0], { on: 0.6, smoothingS: 1 })).toEqual([[1, 4, 4]]);
  });

  it.each([
    [{ on: 0 }, "on is 0"],
    [{ off: 2 }, "off is 2"],
    [{ on: 0.3, off: 0.4 }, "off 0.4 is above on 0.3"],
    [{ off: 0.6 }, "off 0.6 is above 0.5"],
    [{ minGapS: -1 }, "minGapS is -1"],
    [{ labels: { y: {} } }, 'names "y"'],
    [{ loud: 1 } as EventRule, "unknown field loud"],
  ] satisfies [EventRule, string][])("refuse the rule %j", (rule, message) => {
    expect(() => limits(rule, ["x"], [undefined], 1)).toThrow(message);
  });

  it("take over no off where a label sets on", () => {
    const rule = { on: 0.5, off: 0.45, labels: { x: { on: 0.3 } } };
    const [x, y] = limits(rule, ["x", "y"], [undefined, 0.9], 1);
    expect([x?.on, x?.off, y?.on, y?.off]).toEqual([0.3, 0.8 * 0.3, 0.5, 0.45]);
  });
});

describe("backlog", () => {
  const cut = (at: number, level: number) => ({
    start: at,
    stop: at + 1,
    window: Float32Array.of(level),
  });

  it("loses the oldest, overwritten with zeros", () => {
    const backlog = new Backlog(2, "dropOldest");
    const cuts = [1, 2, 3].map((level) => cut(level, level));
    for (const one of cuts) backlog.put(one);
    expect(cuts[0]?.window).toEqual(Float32Array.of(0));
    expect([backlog.take()?.start, backlog.take()?.start, backlog.take()]).toEqual([
      2,
      3,
      undefined,
    ]);
    expect([backlog.windows, backlog.dropped, backlog.merged]).toEqual([3, 1, 0]);
  });

  it("merges neighbours evenly, and the louder speaks for both", () => {
    const backlog = new Backlog(2, "merge");
    for (const [at, level] of [0.1, 0.9, 0.3, 0.4].entries()) backlog.put(cut(at, level));
    const [one, other] = [backlog.take(), backlog.take()];
    expect([one?.start, one?.stop, one?.window[0]]).toEqual([0, 2, Math.fround(0.9)]);
    expect([other?.start, other?.stop, other?.window[0]]).toEqual([2, 4, Math.fround(0.4)]);
    expect(backlog.merged).toBe(2);
  });

  it("needs room", () => {
    expect(() => new Backlog(0, "merge")).toThrow("at least one window");
  });
});
