/** Search by words across everything that was heard. */
import type { App } from "./app.js";
import { byId, clock, make } from "./dom.js";
import { shown } from "./notices.js";
import { play } from "./player.js";
import type { RecordingView } from "./recording-view.js";

const RESULTS = 10;

const form = byId("search", HTMLFormElement);
const text = byId("query", HTMLInputElement);
const results = byId("results", HTMLElement);

export class SearchView {
  constructor(
    private readonly app: App,
    private readonly view: RecordingView,
  ) {
    form.onsubmit = (event) => {
      event.preventDefault();
      void shown(() => this.search(text.value.trim()));
    };
    app.on("recordings", () => {
      if (app.recordings.length === 0) results.replaceChildren();
    });
  }

  private async search(words: string): Promise<void> {
    if (!words) return;
    const { model, recordings } = this.app;
    if (recordings.length === 0) {
      results.replaceChildren(make("li", {}, "Nothing was heard yet: record, or drop a file."));
      return;
    }
    const windows = recordings.map((one) => one.windows);
    const hits = await model.search(words, windows, { topK: RESULTS });
    const items = hits.flatMap(({ recording, start, end, similarity }) => {
      const found = recordings[recording];
      if (!found) return [];
      const jump = () => {
        this.app.select(found);
        this.view.mark(start, end);
        if (found.audio) play(found, start);
      };
      const where = `${clock(start)} ${found.name}`;
      const button = make("button", { type: "button", onclick: jump }, where);
      const near = make("span", { className: "number quiet" }, similarity.toFixed(2));
      return [make("li", {}, button, " ", near)];
    });
    results.replaceChildren(...items);
  }
}
