/** One stream: samples in, events out. Times are counted samples; no clock is read. */
import type { Counts, Event, ListenOptions, Session, WindowReport } from "../api.js";
import type { WindowRule } from "../bundle/manifest.js";
import type { WaveformEncoder } from "../encoder.js";
import { TinyalmError } from "../errors.js";
import { ranked } from "../vectors.js";
import type { Cut } from "../windows.js";
import { nextTask } from "../yielding.js";
import { Backlog } from "./backlog.js";
import { EventStream } from "./event-stream.js";
import { EventDetector } from "./events.js";
import { Intake } from "./intake.js";
import { limits } from "./rules.js";
import type { WindowScorer } from "./scorer.js";

const BACKLOG = 8; // windows that wait for the model at most, by default
const TOP = 5;

export class ListenSession implements Session {
  private readonly detector: EventDetector;
  private readonly intake: Intake;
  private readonly backlog: Backlog;
  private readonly stream = new EventStream();
  private answered = 0;
  private closed = false;
  private pushing = 0;
  private pumping = false;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly encoder: WaveformEncoder,
    private readonly scorer: WindowScorer,
    windows: WindowRule,
    private readonly rate: number,
    private readonly options: ListenOptions,
  ) {
    const numbers = limits(options.rule ?? {}, scorer.labels, scorer.thresholds, rate);
    this.detector = new EventDetector(scorer.labels, numbers, rate);
    this.intake = new Intake(windows, rate, encoder.frontEnd, options.onLogMel);
    this.backlog = new Backlog(options.backlog ?? BACKLOG, options.whenFull ?? "dropOldest");
  }

  get labels(): readonly string[] {
    return this.scorer.labels;
  }

  async push(samples: Float32Array | readonly Float32Array[], rate?: number): Promise<Event[]> {
    this.checkOpen();
    this.pushing++;
    try {
      return await this.queued(async () => {
        const events = await this.drain();
        for (const cut of this.intake.take(samples, rate)) {
          this.backlog.put(cut);
          events.push(...(await this.drain()));
        }
        return events;
      });
    } finally {
      this.pushing--;
    }
  }

  feed(samples: Float32Array | readonly Float32Array[], rate?: number): void {
    this.checkOpen();
    const failed = (error: unknown) => this.options.onError?.(error as Error);
    if (this.pushing > 0) {
      this.push(samples, rate).catch(failed);
      return;
    }
    for (const cut of this.intake.take(samples, rate)) this.backlog.put(cut);
    this.pump().catch(failed);
  }

  async counts(): Promise<Counts> {
    return {
      ...this.intake.met,
      windows: this.backlog.windows,
      answered: this.answered,
      dropped: this.backlog.dropped,
      merged: this.backlog.merged,
    };
  }

  async flush(): Promise<Event[]> {
    if (this.closed) return [];
    return this.queued(async () => {
      const events = await this.drain();
      for (const cut of this.intake.tail()) {
        this.backlog.put(cut);
        events.push(...(await this.drain()));
      }
      events.push(...this.told(this.detector.finish()));
      await this.close();
      return events;
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.intake.close();
    this.backlog.close();
    this.stream.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    return this.stream.iterate();
  }

  /** Answers what was fed, one window after the other, while more may be fed. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      await this.queued(() => this.drain());
    } finally {
      this.pumping = false;
    }
  }

  /** Answers the windows that wait. */
  private async drain(): Promise<Event[]> {
    const events: Event[] = [];
    for (let cut = this.backlog.take(); cut; cut = this.backlog.take()) {
      events.push(...(await this.answer(cut)));
      await nextTask(); // lets samples in that came meanwhile
    }
    return events;
  }

  private async answer({ start, stop, window }: Cut): Promise<Event[]> {
    const embedding = await this.encoder.embed([window]);
    window.fill(0);
    if (this.closed) return [];
    this.answered++;
    const events = this.detector.push(start, stop, this.scorer.scores(embedding));
    if (this.options.onWindow) this.options.onWindow(await this.report(start, stop, embedding));
    return this.told(events);
  }

  private async report(
    start: number,
    stop: number,
    embedding: Float32Array,
  ): Promise<WindowReport> {
    const { smoothed, open } = this.detector;
    const top = ranked(smoothed).slice(0, this.options.topK ?? TOP);
    return {
      start: start / this.rate,
      end: stop / this.rate,
      embedding,
      top: top.map((at) => ({ label: this.labels[at] as string, score: smoothed[at] as number })),
      open,
      counts: await this.counts(),
    };
  }

  private told(events: Event[]): Event[] {
    for (const event of events) {
      this.options.onEvent?.(event);
      this.stream.emit(event);
    }
    return events;
  }

  private queued<T>(job: () => Promise<T>): Promise<T> {
    const next = this.last.then(job, job);
    this.last = next.catch(() => undefined);
    return next;
  }

  private checkOpen(): void {
    if (this.closed) throw new TinyalmError("closed", "the session is closed; open another one");
  }
}
