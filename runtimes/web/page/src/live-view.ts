/** The last minute of what is heard, as it is heard. */
import { byId, clock, make } from "./dom.js";
import { RollingPicture } from "./picture.js";
import { draw } from "./timeline.js";

const SHOWN_S = 60;
const JOIN = 5; // frames a column
const REDRAW_MS = 500;
const LANES = 6;
const NOW = 3; // tags that are said at once

const section = byId("live", HTMLElement);
const canvas = byId("live-timeline", HTMLCanvasElement);
const clockText = byId("live-clock", HTMLElement);
const nowText = byId("live-now", HTMLElement);

interface LiveWindow {
  start: number;
  end: number;
  tags: { label: string; score: number }[];
}

export class LiveView {
  private picture: RollingPicture | undefined;
  private bands = 1;
  private windows: LiveWindow[] = [];
  private lanes: string[] = [];
  private seconds = 0;
  private drawnMs = 0;

  show(bands: number): void {
    this.bands = bands;
    this.picture = undefined;
    this.windows = [];
    this.lanes = [];
    this.seconds = 0;
    nowText.replaceChildren("Listening…");
    section.hidden = false;
  }

  hide(): void {
    section.hidden = true;
  }

  time(seconds: number): void {
    this.seconds = seconds;
    const now = performance.now();
    if (now - this.drawnMs < REDRAW_MS) return;
    this.drawnMs = now;
    clockText.textContent = clock(seconds);
    if (document.hidden) return; // nobody sees it
    const { picture, windows, lanes } = this;
    draw(canvas, {
      start: seconds - SHOWN_S,
      end: seconds,
      segments: windows.map((one) => ({
        ...one,
        tags: one.tags.map((tag) => ({ ...tag, similarity: 0, start: one.start, end: one.end })),
      })),
      lanes,
      sound: (context, width, height) => picture?.draw(context, width, height),
    });
  }

  sound(logMel: { values: Float32Array; frames: number; bands: number; hopS: number }): void {
    const columns = Math.round(SHOWN_S / logMel.hopS / JOIN);
    this.picture ??= new RollingPicture(columns, this.bands, JOIN);
    this.picture.push(logMel);
  }

  window(one: LiveWindow, dropped: number): void {
    this.windows.push(one);
    this.windows = this.windows.filter(({ end }) => end > this.seconds - SHOWN_S);
    const best = new Map<string, number>();
    for (const { label, score } of this.windows.flatMap(({ tags }) => tags)) {
      best.set(label, Math.max(score, best.get(label) ?? 0));
    }
    this.lanes = [...best]
      .sort(([, one], [, other]) => other - one)
      .slice(0, LANES)
      .map(([label]) => label);
    const items = one.tags
      .slice(0, NOW)
      .map(({ label, score }) => make("li", {}, `${label} ${score.toFixed(2)}`));
    const late = dropped > 0 ? [make("li", {}, `${dropped} windows lost: too slow here`)] : [];
    nowText.replaceChildren(make("ul", {}, ...items, ...late));
  }
}
