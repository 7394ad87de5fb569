/** A loaded student in this thread. */
import type {
  AudioInput,
  Caption,
  CaptionOptions,
  ClipTags,
  HearOptions,
  Hit,
  LabelEmbeddings,
  Labels,
  LearnedLabel,
  LearnOptions,
  ListenOptions,
  LogMel,
  Model,
  ModelInfo,
  Session,
  TagOptions,
  Task,
  WindowEmbeddings,
} from "./api.js";
import { Asking } from "./asking.js";
import type { BundleFiles } from "./bundle/files.js";
import { CaptionSide } from "./captioning/caption-side.js";
import type { WaveformEncoder } from "./encoder.js";
import type { Engine } from "./engine.js";
import { TinyalmError } from "./errors.js";
import { Hearing } from "./hearing.js";
import { LearnedSet } from "./learning/learned-set.js";
import { Guard } from "./policy/guard.js";
import { checkTopK, score } from "./scoring.js";
import { moments } from "./searching.js";
import { WindowScorer } from "./streaming/scorer.js";
import { ListenSession } from "./streaming/session.js";
import { checkLabels } from "./text/labels.js";
import { TextSide } from "./text/text-side.js";
import { pooled, row } from "./vectors.js";

const TOP_TAGS = 5;
const TOP_HITS = 10;
const BEAM = 4;

export class LocalModel implements Model {
  private readonly text: TextSide;
  private readonly captions: CaptionSide;
  private readonly hearing: Hearing;
  private readonly guard: Guard;
  private readonly set: LearnedSet;
  private readonly asking: Asking;
  private closed = false;

  constructor(
    readonly info: ModelInfo,
    private readonly files: BundleFiles,
    private readonly encoder: WaveformEncoder,
    engine: Engine,
  ) {
    const { manifest } = files;
    this.text = new TextSide(engine, files);
    this.captions = new CaptionSide(engine, files, this.text);
    this.hearing = new Hearing(encoder, manifest.windows, info.sampleRate, info.dim);
    const embed = manifest.text ? (texts: readonly string[]) => this.text.embed(texts) : undefined;
    this.guard = new Guard(info.policy, info.labels, info.dim, embed);
    this.set = new LearnedSet(files, this.text);
    this.asking = new Asking(info, this.guard, this.text, this.set);
  }

  async tag(audio: AudioInput, options: TagOptions = {}): Promise<ClipTags> {
    const topK = options.topK ?? TOP_TAGS;
    checkTopK(topK);
    const asked = await this.labelled(["tag"], options.labels, options.template);
    const windows = await this.hearing.windows(audio, options);
    return score(windows, asked, this.files.manifest.calibration, topK, this.set.all);
  }

  async score(windows: WindowEmbeddings, options: TagOptions = {}): Promise<ClipTags> {
    this.checkWindows(windows);
    const asked = await this.labelled(["tag"], options.labels, options.template);
    const { calibration } = this.files.manifest;
    return score(windows, asked, calibration, options.topK ?? TOP_TAGS, this.set.all);
  }

  async embedAudio(audio: AudioInput, options: HearOptions = {}): Promise<Float32Array> {
    return pooled((await this.embedWindows(audio, options)).embeddings, this.info.dim);
  }

  async embedWindows(audio: AudioInput, options: HearOptions = {}): Promise<WindowEmbeddings> {
    this.checkOpen();
    await this.guard.ask(["embed"]);
    return this.hearing.windows(audio, options);
  }

  async embedText(texts: readonly string[]): Promise<Float32Array[]> {
    this.checkOpen();
    await this.guard.ask(["embed"]);
    const rows = await this.text.embed(texts);
    return texts.map((_, at) => row(rows, this.info.dim, at).slice());
  }

  async embedLabels(labels?: Labels, template?: string): Promise<LabelEmbeddings> {
    return this.labelled(["embed", "tag", "listen"], labels, template);
  }

  async search(
    text: string,
    recordings: readonly WindowEmbeddings[],
    options: { topK?: number } = {},
  ): Promise<Hit[]> {
    this.checkOpen();
    const topK = options.topK ?? TOP_HITS;
    checkTopK(topK);
    recordings.forEach((one) => {
      this.checkWindows(one);
    });
    await this.guard.ask(["search"], { texts: [text] });
    const query = await this.text.embed([text]);
    return moments(query, recordings, topK, this.files.manifest.calibration);
  }

  logMel(audio: AudioInput, options: HearOptions & { columns?: number } = {}): Promise<LogMel> {
    return this.hearing.logMel(audio, options);
  }

  async caption(audio: AudioInput, options: CaptionOptions = {}): Promise<Caption> {
    this.checkOpen();
    this.captions.check();
    await this.guard.askCaption();
    const windows = await this.hearing.windows(audio, options);
    const silence = await this.hearing.silence();
    return this.captions.caption(windows, silence, options.beam ?? BEAM, options.style ?? "short");
  }

  async listen(options: ListenOptions = {}): Promise<Session> {
    const asked = await this.labelled(["listen"], options.labels, options.template);
    const { calibration, windows } = this.files.manifest;
    const scorer = new WindowScorer(asked, calibration, this.set.all);
    return new ListenSession(this.encoder, scorer, windows, this.info.sampleRate, options);
  }

  async learn(
    label: string,
    clips: readonly (AudioInput | WindowEmbeddings)[],
    options: LearnOptions = {},
  ): Promise<LearnedLabel> {
    this.checkOpen();
    const [name = label] = checkLabels([label]);
    await this.guard.ask(["learn"], { texts: [name] });
    const heard = async (all: readonly (AudioInput | WindowEmbeddings)[]) => {
      const rows: Float32Array[] = [];
      for (const clip of all) {
        const stored = "embeddings" in clip;
        const windows = stored ? clip : await this.hearing.windows(clip, options);
        this.checkWindows(windows);
        rows.push(pooled(windows.embeddings, this.info.dim));
      }
      return rows;
    };
    return this.set.learn(name, await heard(clips), await heard(options.others ?? []), options);
  }

  async attach(learned: LearnedLabel): Promise<void> {
    this.checkOpen();
    await this.guard.ask(["tag", "listen", "learn"], { texts: [learned.label] });
    this.set.attach(learned);
  }

  async forget(label: string): Promise<void> {
    this.set.forget(label);
  }

  async learned(): Promise<LearnedLabel[]> {
    return [...this.set.all];
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.captions.release();
    await this.text.release();
    await this.encoder.release();
  }

  private labelled(
    tasks: readonly Task[],
    labels: Labels | undefined,
    template: string | undefined,
  ): Promise<LabelEmbeddings> {
    this.checkOpen();
    return this.asking.labels(tasks, labels, template);
  }

  private checkWindows(windows: WindowEmbeddings): void {
    const { startS, endS, embeddings, dim } = windows;
    const fits = dim === this.info.dim && startS.length > 0 && startS.length === endS.length;
    if (!fits || embeddings.length !== startS.length * dim) {
      throw new TinyalmError("bad-setting", "these windows are not this model's; embed them again");
    }
  }

  private checkOpen(): void {
    if (this.closed) throw new TinyalmError("closed", "the model is closed; load it again");
  }
}
