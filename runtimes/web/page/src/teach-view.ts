/** Teaching: examples that were chosen, and the name of what they are. */
import { type App, exampleKey } from "./app.js";
import { byId, clock } from "./dom.js";
import { notice, shown } from "./notices.js";

const LEAST = 2; // examples

const form = byId("teach", HTMLFormElement);
const text = byId("teach-label", HTMLInputElement);
const submit = byId("teach-now", HTMLButtonElement);
const state = byId("teach-state", HTMLElement);
const whole = byId("teach-whole", HTMLInputElement);

export class TeachView {
  constructor(private readonly app: App) {
    form.onsubmit = (event) => {
      event.preventDefault();
      void shown(() => this.teach(text.value.trim()));
    };
    whole.onchange = () => {
      const example = this.wholeRecording();
      if (example) app.choose(example, whole.checked);
    };
    app.on("examples", () => this.show());
    app.on("current", () => this.show());
    this.show();
  }

  private async teach(label: string): Promise<void> {
    if (!label) {
      notice("Name the sound that the examples are of");
      text.focus();
      return;
    }
    submit.disabled = true;
    state.textContent = `Learning "${label}"…`;
    try {
      await this.app.teach(label);
      text.value = "";
    } finally {
      this.show();
    }
  }

  private show(): void {
    const chosen = [...this.app.examples.values()];
    const seconds = chosen.reduce((sum, { start, end }) => sum + end - start, 0);
    const needed = chosen.length < LEAST ? `; choose at least ${LEAST}, best 5 to 20` : "";
    state.textContent = `${chosen.length} examples, ${clock(seconds)}${needed}`;
    submit.disabled = chosen.length < LEAST;
    const example = this.wholeRecording();
    whole.disabled = !example;
    whole.checked = example !== undefined && this.app.examples.has(exampleKey(example));
  }

  private wholeRecording() {
    const { current } = this.app;
    return current && { recording: current, start: 0, end: current.windows.endS.at(-1) ?? 0 };
  }
}
