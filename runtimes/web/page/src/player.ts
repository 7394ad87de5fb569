/** Plays recordings from a moment on. */
import type { Recording } from "./app.js";
import { byId } from "./dom.js";
import { notice } from "./notices.js";

const LATER = "its sound is not kept between visits; drop the file again to play it";

const bar = byId("player", HTMLElement);
const audio = byId("audio", HTMLAudioElement);
const title = byId("playing", HTMLElement);
let loaded: { recording: Recording; url: string } | undefined;

/** Plays a recording from a second on; says why where that cannot be. */
export function play(recording: Recording, seconds: number): void {
  if (!recording.audio) {
    notice(`${recording.name}: ${LATER}`, "note");
    return;
  }
  const offset = seconds - (recording.audioStart ?? 0);
  if (offset < 0) {
    notice(`${recording.name}: only the last ten minutes of a recording can be played`, "note");
    return;
  }
  if (loaded?.recording !== recording) {
    stop();
    loaded = { recording, url: URL.createObjectURL(recording.audio) };
    audio.src = loaded.url;
    title.textContent = recording.name;
    bar.hidden = false;
  }
  audio.currentTime = offset;
  audio.play().catch((error: Error) => {
    if (error.name !== "AbortError") notice(`${recording.name}: cannot be played here`);
  });
}

export function stop(): void {
  audio.pause();
  audio.removeAttribute("src");
  if (loaded) URL.revokeObjectURL(loaded.url);
  loaded = undefined;
  bar.hidden = true;
}

/** Calls back with the second that plays of a recording, now and then. */
export function onPlaying(listener: (recording: Recording, seconds: number) => void): void {
  audio.addEventListener("timeupdate", () => {
    if (!loaded) return;
    listener(loaded.recording, audio.currentTime + (loaded.recording.audioStart ?? 0));
  });
}
