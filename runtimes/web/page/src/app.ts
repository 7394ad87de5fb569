/** What the page shows, in one place; views hear what changed. */
import type { LabelEmbeddings, LearnedLabel, LogMel, Model } from "../../src/index.js";
import { type Findings, findings, topFor, windowsWithin } from "./analysis.js";
import { notice } from "./notices.js";
import type { Kept, Store } from "./store.js";

/** A recording of this visit or an earlier one; sound and picture live in memory alone. */
export interface Recording extends Kept {
  audio?: Blob;
  /** Second of the recording that `audio` begins at. */
  audioStart?: number;
  picture?: LogMel;
}

/** A stretch of a recording that is to teach a label. */
export interface Example {
  recording: Recording;
  start: number;
  end: number;
}

export type Topic = "recordings" | "current" | "labels" | "examples";

export class App {
  recordings: Recording[] = [];
  current: Recording | undefined;
  /** What is typed; undefined for the bundle's own labels. */
  labels: string[] | undefined;
  learned: LearnedLabel[] = [];
  /** By what `exampleKey` says. */
  readonly examples = new Map<string, Example>();
  private asked: LabelEmbeddings | undefined;
  private readonly listeners = new Map<Topic, (() => void)[]>();

  constructor(
    readonly model: Model,
    readonly store: Store,
  ) {}

  on(topic: Topic, listener: () => void): void {
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
  }

  /** Reads what an earlier visit kept. */
  async restore(): Promise<void> {
    this.recordings = await this.store.recordings();
    for (const one of await this.store.learned()) {
      const refused = (error: Error) => notice(`"${one.label}" of last time: ${error.message}`);
      await this.model.attach(one).catch(refused);
    }
    this.learned = await this.model.learned();
    const labels = await this.store.labels();
    await this.ask(labels).catch(async (error: Error) => {
      notice(`the labels of last time: ${error.message}`);
      await this.ask(undefined);
    });
    this.current = this.recordings.at(-1);
    this.tell("recordings", "current", "labels");
  }

  /** Asks for other labels from now on; undefined for the bundle's own. */
  async setLabels(labels: string[] | undefined): Promise<void> {
    await this.ask(labels);
    this.tell("labels");
    await this.kept("your labels", () =>
      labels ? this.store.keepLabels(labels) : this.store.remove("settings", "labels"),
    );
  }

  /** The labels with their vectors. */
  get vectors(): LabelEmbeddings {
    if (!this.asked) throw new Error("the labels were not read yet");
    return this.asked;
  }

  async findings(recording: Recording): Promise<Findings> {
    const own = this.vectors.thresholds ? this.vectors.labels : [];
    const thresholded = new Set([...own, ...this.learned.map(({ label }) => label)]);
    const answered = await this.model.score(recording.windows, {
      labels: this.vectors,
      topK: topFor(recording.windows),
    });
    return findings(answered, thresholded, this.model.info.sampleRate);
  }

  async add(recording: Recording): Promise<void> {
    this.recordings.push(recording);
    this.current = recording;
    this.tell("recordings", "current");
    const { id, name, added, windows } = recording;
    await this.kept(name, () => this.store.keepRecording({ id, name, added, windows }));
  }

  select(recording: Recording): void {
    this.current = recording;
    this.tell("recordings", "current");
  }

  async remove(recording: Recording): Promise<void> {
    this.recordings = this.recordings.filter((one) => one !== recording);
    for (const [key, one] of this.examples) {
      if (one.recording === recording) this.examples.delete(key);
    }
    if (this.current === recording) this.current = this.recordings.at(-1);
    this.tell("recordings", "current", "examples");
    await this.store.remove("recordings", recording.id);
  }

  choose(example: Example, chosen: boolean): void {
    if (chosen) this.examples.set(exampleKey(example), example);
    else this.examples.delete(exampleKey(example));
    this.tell("examples");
  }

  /** Learns a label from the examples, against the recordings that none of them is from. */
  async teach(label: string): Promise<void> {
    const examples = [...this.examples.values()];
    const clips = examples.map(({ recording, start, end }) =>
      windowsWithin(recording.windows, start, end),
    );
    const taught = new Set(examples.map(({ recording }) => recording));
    const others = this.recordings.filter((one) => !taught.has(one)).map((one) => one.windows);
    const learned = await this.model.learn(label, clips, { others });
    this.examples.clear();
    await this.relearned();
    await this.kept(`"${label}"`, () => this.store.keepLearned(learned));
  }

  async unlearn(label: string): Promise<void> {
    await this.model.forget(label);
    await this.relearned();
    await this.store.remove("learned", label);
  }

  /** Forgets all that was heard, typed and taught, on the page and on the device. */
  async forget(): Promise<void> {
    for (const { label } of this.learned) await this.model.forget(label);
    this.recordings = [];
    this.current = undefined;
    this.examples.clear();
    await this.store.forget();
    await this.ask(undefined);
    await this.relearned();
    this.tell("recordings", "current");
  }

  private async relearned(): Promise<void> {
    this.learned = await this.model.learned();
    this.tell("labels", "examples");
  }

  private async ask(labels: string[] | undefined): Promise<void> {
    this.asked = await this.model.embedLabels(labels);
    this.labels = labels;
  }

  /** Keeps something; a full device costs the next visit, and nothing that is shown. */
  private async kept(what: string, keep: () => Promise<void>): Promise<void> {
    try {
      await keep();
    } catch (error) {
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      const why = full ? "this device's storage is full; make room" : (error as Error).message;
      notice(`${what}: shown, but not kept for your next visit: ${why}`);
    }
  }

  private tell(...topics: Topic[]): void {
    for (const topic of topics) for (const listener of this.listeners.get(topic) ?? []) listener();
  }
}

export function exampleKey({ recording, start, end }: Example): string {
  return `${recording.id} ${start} ${end}`;
}
