/** The table of a recording's events. */
import type { Event } from "../../src/index.js";
import type { Findings } from "./analysis.js";
import { type App, exampleKey, type Recording } from "./app.js";
import { button, clock, make } from "./dom.js";
import { play } from "./player.js";

const AT_FIRST = 100; // rows; more on request

export function eventRows(app: App, recording: Recording, { events }: Findings): Node {
  if (events.length === 0) {
    return make("p", { className: "quiet" }, "No label is likely here; try other labels.");
  }
  const row = (event: Event) => eventRow(app, recording, event);
  const body = make("tbody", {}, ...events.slice(0, AT_FIRST).map(row));
  const heads = ["When", "What", "Score", "Example"].map((name) =>
    make("th", { scope: "col" }, name),
  );
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
  if (events.length <= AT_FIRST) return table;
  const more = button(`Show all ${events.length} events`, () => {
    body.append(...events.slice(AT_FIRST).map(row));
    more.remove();
  });
  return make("div", {}, table, more);
}

function eventRow(app: App, recording: Recording, event: Event): HTMLTableRowElement {
  const when = `${clock(event.start)}–${clock(event.end)}`;
  const example = { recording, start: event.start, end: event.end };
  const box = make("input", {
    type: "checkbox",
    checked: app.examples.has(exampleKey(example)),
    ariaLabel: `Use ${event.label} at ${when} as an example`,
  });
  box.onchange = () => {
    app.choose(example, box.checked);
  };
  const jump = button(when, () => play(recording, event.start), `Play ${event.label} at ${when}`);
  return make(
    "tr",
    {},
    make("td", {}, jump),
    make("td", {}, event.label),
    make("td", { className: "number" }, event.score.toFixed(2)),
    make("td", {}, box),
  );
}
