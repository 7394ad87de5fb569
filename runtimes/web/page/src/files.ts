/** Files that are dropped or chosen: heard one after the other, and cancellable. */
import type { App } from "./app.js";
import { byId, clock, make, reasonOf } from "./dom.js";
import { notice } from "./notices.js";

export const COLUMNS = 1200; // of a picture: more than most screens show

const input = byId("files", HTMLInputElement);
const chooser = byId("choose", HTMLButtonElement);
const work = byId("work", HTMLElement);
const what = byId("work-what", HTMLElement);
const bar = byId("work-bar", HTMLProgressElement);
const cancel = byId("cancel", HTMLButtonElement);

export class Files {
  private readonly waiting: File[] = [];
  private stopping: AbortController | undefined;

  constructor(private readonly app: App) {
    chooser.onclick = () => input.click();
    input.onchange = () => {
      this.take(input.files);
      input.value = "";
    };
    cancel.onclick = () => {
      this.waiting.length = 0;
      this.stopping?.abort();
    };
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      this.take(event.dataTransfer?.files);
    });
  }

  take(files: Iterable<File> | null | undefined): void {
    this.waiting.push(...(files ?? []));
    if (!this.stopping) void this.hearAll();
  }

  private async hearAll(): Promise<void> {
    this.stopping = new AbortController();
    work.hidden = false;
    for (let file = this.waiting.shift(); file; file = this.waiting.shift()) {
      try {
        await this.hear(file, this.stopping.signal);
      } catch (error) {
        if (!this.stopping.signal.aborted) notice(messageOf(file, error));
        else notice(`${file.name}: cancelled`, "note");
      }
    }
    work.hidden = true;
    this.stopping = undefined;
  }

  private async hear(file: File, signal: AbortSignal): Promise<void> {
    const waiting = this.waiting.length > 0 ? `, ${this.waiting.length} more` : "";
    const step = (verb: string) => (seconds: number, duration: number | undefined) => {
      const of = duration ? ` of ${clock(duration)}` : "";
      what.textContent = `${verb} ${file.name}: ${clock(seconds)}${of}${waiting}`;
      if (duration) bar.value = seconds / duration;
      else bar.removeAttribute("value");
    };
    step("Reading")(0, undefined);
    const { model } = this.app;
    const windows = await model.embedWindows(file, { signal, progress: step("Hearing") });
    const picture = await model.logMel(file, {
      signal,
      columns: COLUMNS,
      progress: step("Drawing"),
    });
    const id = crypto.randomUUID();
    await this.app.add({ id, name: file.name, added: Date.now(), windows, picture, audio: file });
  }
}

function messageOf(file: File, error: unknown): string {
  const reason = reasonOf(error);
  return reason.includes(file.name) ? reason : `${file.name}: ${reason}`;
}

/** The list of recordings, each a button that shows it. */
export function listRecordings(app: App): void {
  const list = byId("recordings", HTMLElement);
  const show = () => {
    const items = app.recordings.map((one) => {
      const pick = make("button", { type: "button", onclick: () => app.select(one) }, one.name);
      pick.ariaPressed = String(one === app.current);
      const box = make("span", { className: "quiet" }, clock(one.windows.endS.at(-1) ?? 0));
      return make("li", {}, pick, " ", box);
    });
    list.replaceChildren(...items);
    byId("nothing-yet", HTMLElement).hidden = items.length > 0;
  };
  app.on("recordings", show);
}
