/** Recording: the microphone through a session, drawn as it is heard. */
import type { LogMel, Microphone, Session, WindowReport } from "../../src/index.js";
import { openMicrophone } from "../../src/index.js";
import { WindowList } from "./analysis.js";
import type { App } from "./app.js";
import { byId, clock } from "./dom.js";
import { COLUMNS } from "./files.js";
import { LiveView } from "./live-view.js";
import { notice, shown } from "./notices.js";
import { Tape } from "./wave.js";

const TOP = 8;
const ASLEEP_MS = 3000; // without sound, which comes every 100 ms
const AWAKE_MS = 1000;

const record = byId("record", HTMLButtonElement);

/** One recording from its start to its stop. */
interface Take {
  microphone: Microphone;
  session: Session;
  tape: Tape;
  windows: WindowList;
  /** When the last samples came, by the page's clock. */
  lastMs: number;
}

export class Live {
  private readonly view = new LiveView();
  private take: Take | undefined;
  private busy = false;

  constructor(private readonly app: App) {
    record.onclick = () => void this.toggle();
    app.on("labels", () => void shown(() => this.askAnew()));
  }

  async stop(): Promise<void> {
    const { take } = this;
    if (!take) return;
    this.take = undefined;
    await take.microphone.stop();
    await take.session.flush();
    this.view.hide();
    if (take.windows.length === 0) {
      notice("The recording is shorter than 10 ms; record again");
      return;
    }
    const audio = take.tape.wav();
    // Without a picture it is a recording still.
    const drawn = this.app.model.logMel(audio, { columns: COLUMNS });
    const picture = await drawn.catch(() => undefined);
    const now = new Date();
    await this.app.add({
      id: crypto.randomUUID(),
      name: `Recording ${now.toLocaleString()}`,
      added: now.getTime(),
      windows: take.windows.all(),
      picture,
      audio,
      audioStart: take.tape.start,
    });
  }

  private async toggle(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    await shown(() => (this.take ? this.stop() : this.start()));
    this.busy = false;
    record.textContent = this.take ? "Stop" : "Record";
    record.classList.toggle("recording", this.take !== undefined);
  }

  private async start(): Promise<void> {
    const windows = new WindowList();
    const session = await this.session(windows, 0);
    try {
      const microphone = await openMicrophone({
        onSamples: (samples, rate) => this.heard(samples, rate),
        onEnd: (error) => {
          notice(error.message);
          if (this.take) void this.toggle();
        },
      });
      const tape = new Tape(microphone.rate);
      this.take = { microphone, session, tape, windows, lastMs: performance.now() };
    } catch (error) {
      await session.close();
      throw error;
    }
    this.view.show(this.app.model.info.bands);
  }

  private heard(samples: Float32Array, rate: number): void {
    const { take } = this;
    if (!take) return;
    const now = performance.now();
    if (now - take.lastMs > ASLEEP_MS) {
      const { seconds } = take.tape;
      const { lastMs } = take;
      // What was only late comes at once now.
      setTimeout(() => this.woke(take, seconds, lastMs), AWAKE_MS);
    }
    take.lastMs = now;
    take.tape.push(samples);
    take.session.feed(samples, rate);
    this.view.time(take.tape.seconds);
  }

  /** Says what was missed since the samples that came at `lastMs`. */
  private woke(take: Take, seconds: number, lastMs: number): void {
    const passed = (take.lastMs - lastMs) / 1000;
    const missed = Math.round(passed - (take.tape.seconds - seconds));
    if (missed < 1) return;
    const at = clock(seconds);
    notice(`The tab slept for ${missed} s at ${at}: what sounded then was not heard.`, "note");
  }

  /** Goes on with the labels that are asked now. */
  private async askAnew(): Promise<void> {
    const { take } = this;
    if (!take) return;
    const offset = take.tape.seconds;
    const before = take.session;
    take.session = await this.session(take.windows, offset);
    await before.flush();
  }

  private session(windows: WindowList, offset: number): Promise<Session> {
    return this.app.model.listen({
      labels: this.app.vectors,
      topK: TOP,
      onWindow: (report) => this.window(windows, offset, report),
      onLogMel: (logMel: LogMel) => this.view.sound(logMel),
      onError: (error) => notice(error.message),
    });
  }

  private window(windows: WindowList, offset: number, report: WindowReport): void {
    const start = report.start + offset;
    const end = report.end + offset;
    windows.add(start, end, report.embedding);
    this.view.window({ start, end, tags: report.top }, report.counts.dropped);
  }
}
