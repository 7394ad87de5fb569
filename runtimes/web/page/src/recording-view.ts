/** The chosen recording: its picture, events and captions, and what can be done with it. */
import type { Findings } from "./analysis.js";
import { lanesOf } from "./analysis.js";
import type { App, Recording } from "./app.js";
import { onScheme } from "./colours.js";
import { button, byId, clock, make } from "./dom.js";
import { eventRows } from "./events-view.js";
import { audacity, csv, save } from "./exports.js";
import { shown } from "./notices.js";
import { imageOf } from "./picture.js";
import { onPlaying, play } from "./player.js";
import { draw } from "./timeline.js";

const section = byId("recording", HTMLElement);
const title = byId("recording-name", HTMLElement);
const about = byId("recording-about", HTMLElement);
const canvas = byId("timeline", HTMLCanvasElement);
const playhead = byId("playhead", HTMLElement);
const moment = byId("moment", HTMLElement);
const events = byId("events", HTMLElement);
const actions = byId("recording-actions", HTMLElement);
const captions = byId("captions", HTMLElement);

export class RecordingView {
  private found: Findings | undefined;
  private image: { of: Recording; canvas: OffscreenCanvas } | undefined;
  private asked = 0;
  private marked: Recording | undefined;

  constructor(private readonly app: App) {
    const refresh = () => void shown(() => this.refresh());
    app.on("current", refresh);
    app.on("labels", refresh);
    app.on("examples", () => this.list());
    onScheme(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("click", ({ offsetX }) => {
      const { current } = app;
      if (current) play(current, (offsetX / canvas.clientWidth) * durationOf(current));
    });
    onPlaying((recording, seconds) => {
      playhead.hidden = recording !== app.current;
      playhead.style.left = `${(100 * seconds) / durationOf(recording)}%`;
    });
  }

  /** Shows a stretch of the current recording. */
  mark(start: number, end: number): void {
    const { current } = this.app;
    if (!current) return;
    this.marked = current;
    moment.hidden = false;
    moment.style.left = `${(100 * start) / durationOf(current)}%`;
    moment.style.width = `${(100 * (end - start)) / durationOf(current)}%`;
    section.scrollIntoView({ block: "nearest" });
  }

  private async refresh(): Promise<void> {
    const { current } = this.app;
    const asked = ++this.asked;
    if (!current) {
      section.hidden = true;
      return;
    }
    const found = await this.app.findings(current);
    if (asked !== this.asked) return; // other labels were asked for meanwhile
    section.hidden = false;
    const other = title.textContent !== current.name;
    this.found = found;
    title.textContent = current.name;
    about.textContent = `${clock(durationOf(current))}, ${found.events.length} events`;
    moment.hidden = this.marked !== current;
    playhead.hidden ||= other;
    captions.textContent = "";
    this.offer(current);
    this.list();
    this.draw();
  }

  private offer(current: Recording): void {
    const name = current.name.replace(/\.[^.]*$/, "");
    const { found, app } = this;
    const list = found?.events ?? [];
    actions.replaceChildren(
      button("Play", () => play(current, current.audioStart ?? 0)),
      button("Save as CSV", () => save(`${name}.csv`, csv(list))),
      button("Save Audacity labels", () => save(`${name}.txt`, audacity(list))),
      button("Remove", () => void shown(() => app.remove(current)), `Remove ${current.name}`),
    );
    if (app.model.info.hasCaptions && current.audio) {
      actions.append(button("Caption", () => void shown(() => this.caption(current))));
    }
  }

  private async caption(current: Recording): Promise<void> {
    if (!current.audio) return;
    captions.textContent = "Listening for a caption…";
    const { segments } = await this.app.model.caption(current.audio).catch((error: Error) => {
      captions.textContent = "";
      throw error;
    });
    if (current !== this.app.current) return;
    const lines = segments.map(({ start, end, text }) => {
      const heard = text || "nothing that it knows";
      const at = start + (current.audioStart ?? 0);
      const jump = button(clock(at), () => play(current, at), `Play from ${clock(at)}`);
      return make("li", {}, jump, ` to ${clock(end + (current.audioStart ?? 0))}: ${heard}`);
    });
    const none = make("li", {}, "Nothing here that it knows words for.");
    captions.replaceChildren(make("ul", {}, ...(lines.length > 0 ? lines : [none])));
  }

  private list(): void {
    const { current } = this.app;
    if (current && this.found) events.replaceChildren(eventRows(this.app, current, this.found));
  }

  private draw(): void {
    const { current } = this.app;
    const { found } = this;
    if (!current || !found) return;
    const lanes = lanesOf(found);
    const image = this.imageOf(current);
    const end = durationOf(current);
    canvas.ariaLabel = `Log-mel of ${current.name}; most heard: ${lanes.slice(0, 3).join(", ")}`;
    draw(canvas, {
      start: 0,
      end,
      segments: found.segments,
      lanes,
      sound: (context, width, height) => {
        if (!image) return;
        const from = ((current.audioStart ?? 0) / end) * width;
        context.drawImage(image, from, 0, width - from, height);
      },
    });
  }

  private imageOf(current: Recording): OffscreenCanvas | undefined {
    if (!current.picture) return undefined;
    if (this.image?.of !== current) {
      this.image = { of: current, canvas: imageOf(current.picture) };
    }
    return this.image.canvas;
  }
}

function durationOf({ windows }: Recording): number {
  return windows.endS.at(-1) ?? 0;
}
