/** Results as files, in the forms of `tinyalm listen`. */
import type { Event } from "../../src/index.js";
import { make } from "./dom.js";

const HEAD = "start,end,peak,score,label";

export function csv(events: readonly Event[]): string {
  const rows = events.map(({ start, end, peak, score, label }) => {
    const times = [start, end, peak].map((seconds) => seconds.toFixed(3));
    return [...times, score.toFixed(4), cell(label)].join(",");
  });
  return `${[HEAD, ...rows].join("\n")}\n`;
}

/** A label track of Audacity. */
export function audacity(events: readonly Event[]): string {
  const lines = events.map(({ start, end, label }) => {
    const plain = label.split(/\s+/).filter(Boolean).join(" ");
    return `${start.toFixed(6)}\t${end.toFixed(6)}\t${plain}\n`;
  });
  return lines.join("");
}

/** Hands a text to the browser as a download; it makes no request. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
