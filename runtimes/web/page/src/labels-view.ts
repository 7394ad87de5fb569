/** The label editor: what is typed is asked at once. */
import type { App } from "./app.js";
import { button, byId, make, reasonOf } from "./dom.js";
import { shown } from "./notices.js";

const PAUSE_MS = 300; // in typing

const text = byId("labels", HTMLTextAreaElement);
const state = byId("labels-state", HTMLElement);
const back = byId("labels-default", HTMLButtonElement);
const learned = byId("learned", HTMLElement);

export class LabelsView {
  private pause: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(private readonly app: App) {
    text.oninput = () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => void this.ask(), PAUSE_MS);
    };
    back.onclick = () => {
      text.value = "";
      void this.ask();
    };
    app.on("labels", () => this.show());
  }

  private async ask(): Promise<void> {
    const asked = ++this.asked;
    const labels = parsed(text.value);
    try {
      await this.app.setLabels(labels.length > 0 ? labels : undefined);
    } catch (error) {
      if (asked !== this.asked) return;
      state.textContent = reasonOf(error); // the labels of before stay in force
      state.className = "error";
    }
  }

  private show(): void {
    const { labels } = this.app;
    const count = this.app.vectors.labels.length;
    state.className = "quiet";
    state.textContent = labels
      ? `${count} ${count === 1 ? "label" : "labels"} of yours`
      : `${count} default labels`;
    back.disabled = !labels;
    // What is being typed is not rewritten.
    if (document.activeElement !== text) text.value = labels?.join(", ") ?? "";
    learned.replaceChildren(
      ...this.app.learned.map(({ label, examples }) =>
        make(
          "li",
          {},
          `${label} (taught by ${examples} examples) `,
          button("Forget", () => void shown(() => this.app.unlearn(label)), `Forget ${label}`),
        ),
      ),
    );
  }
}

/** Labels between commas and lines; each once. */
export function parsed(typed: string): string[] {
  const labels = typed.split(/[,\n]/).map((one) => one.trim().replace(/\s+/g, " "));
  return [...new Set(labels.filter(Boolean))];
}
