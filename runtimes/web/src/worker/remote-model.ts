/** A model that lives in a worker. */
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
  WindowEmbeddings,
} from "../api.js";
import { prepared } from "../audio/sources.js";
import { TinyalmError } from "../errors.js";
import type { LocalOptions } from "../load-local.js";
import type { Line } from "./line.js";
import { RemoteSession } from "./remote-session.js";

export class RemoteModel implements Model {
  private constructor(
    private readonly line: Line,
    readonly info: ModelInfo,
  ) {}

  static async load(line: Line, url: string, options: LocalOptions): Promise<RemoteModel> {
    try {
      return new RemoteModel(line, (await line.start("load", [url], options).answer) as ModelInfo);
    } catch (error) {
      line.end(new TinyalmError("closed", "the model was not loaded; load it again"));
      throw error;
    }
  }

  tag(audio: AudioInput, options: TagOptions = {}): Promise<ClipTags> {
    return this.hear("tag", audio, options);
  }

  score(windows: WindowEmbeddings, options: TagOptions = {}): Promise<ClipTags> {
    return this.with("score", [windows], options);
  }

  embedAudio(audio: AudioInput, options: HearOptions = {}): Promise<Float32Array> {
    return this.hear("embedAudio", audio, options);
  }

  embedWindows(audio: AudioInput, options: HearOptions = {}): Promise<WindowEmbeddings> {
    return this.hear("embedWindows", audio, options);
  }

  embedText(texts: readonly string[]): Promise<Float32Array[]> {
    return this.line.call("embedText", [texts]);
  }

  embedLabels(labels?: Labels, template?: string): Promise<LabelEmbeddings> {
    return this.line.call("embedLabels", [labels, template]);
  }

  search(
    text: string,
    recordings: readonly WindowEmbeddings[],
    options: { topK?: number } = {},
  ): Promise<Hit[]> {
    return this.line.call("search", [text, recordings, options]);
  }

  logMel(audio: AudioInput, options: HearOptions & { columns?: number } = {}): Promise<LogMel> {
    return this.hear("logMel", audio, options);
  }

  caption(audio: AudioInput, options: CaptionOptions = {}): Promise<Caption> {
    return this.hear("caption", audio, options);
  }

  async listen(options: ListenOptions = {}): Promise<Session> {
    const session = new RemoteSession(this.line, options);
    await session.open();
    return session;
  }

  async learn(
    label: string,
    clips: readonly (AudioInput | WindowEmbeddings)[],
    options: LearnOptions = {},
  ): Promise<LearnedLabel> {
    const others = await this.sendable(options.others ?? []);
    return this.with("learn", [label, await this.sendable(clips)], { ...options, others });
  }

  attach(learned: LearnedLabel): Promise<void> {
    return this.line.call("attach", [learned]);
  }

  forget(label: string): Promise<void> {
    return this.line.call("forget", [label]);
  }

  learned(): Promise<LearnedLabel[]> {
    return this.line.call("learned", []);
  }

  async close(): Promise<void> {
    this.line.end(new TinyalmError("closed", "the model is closed; load it again"));
  }

  private async hear<T>(method: string, audio: AudioInput, options: HearOptions): Promise<T> {
    return this.with(method, [await prepared(audio)], options);
  }

  private async with<T>(method: string, args: unknown[], options: object): Promise<T> {
    return (await this.line.start(method, args, options).answer) as T;
  }

  private sendable(clips: readonly (AudioInput | WindowEmbeddings)[]): Promise<unknown[]> {
    return Promise.all(clips.map((clip) => ("embeddings" in clip ? clip : prepared(clip))));
  }
}
