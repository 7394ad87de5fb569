/** A loaded student, and how it is asked. */
import type { AudioInput, HearOptions } from "./audio.js";
import type { Policy } from "./policy.js";
import type {
  Caption,
  ClipTags,
  Hit,
  LabelEmbeddings,
  LearnedLabel,
  LogMel,
  Style,
  WindowEmbeddings,
} from "./results.js";
import type { ListenOptions, Session } from "./streaming.js";

export interface LoadOptions {
  /** Threads of one call; default 1, and always 1 where the page is not cross-origin isolated. */
  threads?: number;
  signal?: AbortSignal;
  /** Bytes of the bundle fetched so far and in all; parts that nobody asks for are not fetched. */
  progress?: (loadedBytes: number, totalBytes: number) => void;
  /** Whether inference runs in a Web Worker; default true in a page, false under node. */
  worker?: boolean;
  /**
   * Folder with `ort-wasm-simd-threaded.mjs` and `.wasm` of the package onnxruntime-web; default
   * `ort/` beside the page, and under node the installed package.
   */
  wasmPaths?: string | URL;
  /** What may be asked, or the address of its JSON; default: all but sensitive inferences. */
  policy?: Policy | string | URL;
}

/** Loads a bundle: the folder at `url` that holds `bundle.json`. Every file's hash is checked. */
export type Load = (url: string | URL, options?: LoadOptions) => Promise<Model>;

export interface ModelInfo {
  name: string;
  /** Of the bundle's format. */
  formatVersion: number;
  /** The bundle's own labels: asked where none are given. */
  labels: readonly string[];
  teacher: string;
  teacherLicence: string;
  data: readonly { name: string; clips: number; licence: string }[];
  createdBy: string;
  /** Size of the space that sound and text share. */
  dim: number;
  /** Trained values of the audio side. */
  parameters: number;
  precision: string;
  /** Hz, that sound is resampled to. */
  sampleRate: number;
  /** Bands of the log-mel. */
  bands: number;
  /** Seconds. */
  windows: { lengthS: number; hopS: number; gridS: number; minS: number };
  /** Whether scores are probabilities; else they are cosines, 0 where negative. */
  calibrated: boolean;
  hasText: boolean;
  hasCaptions: boolean;
  /** Bytes of the bundle's files. */
  bytes: number;
  /** Threads that a call uses. */
  threads: number;
  /** The policy in force. */
  policy: Policy;
}

/** Labels as texts or with their vectors (`embedLabels`, `readLabelPack`); default the bundle's. */
export type Labels = readonly string[] | LabelEmbeddings;

export interface TagOptions extends HearOptions {
  labels?: Labels;
  /** How many of the best labels to answer, at most; default 5. */
  topK?: number;
  /** A sentence with `{}` where the label goes; default the bundle's. */
  template?: string;
}

export interface CaptionOptions extends HearOptions {
  /** Sentences that the search follows at once, to choose among; default 4, quickest 1. */
  beam?: number;
  /** `short` for the names of what sounds (default), `full` for a sentence. */
  style?: Style;
}

export interface LearnOptions extends HearOptions {
  /** Recordings that hold the label not, as from the place of use. */
  others?: readonly (AudioInput | WindowEmbeddings)[];
  /** Share of other sounds that the label may be answered for, at most; default 0.05. */
  falseAlarm?: number;
}

/** A loaded student. Calls are answered one after the other. */
export interface Model {
  readonly info: ModelInfo;
  /** Says which labels a recording holds, and when. */
  tag(audio: AudioInput, options?: TagOptions): Promise<ClipTags>;
  /** Tags a recording that is embedded already: what is needed where only labels change. */
  score(windows: WindowEmbeddings, options?: TagOptions): Promise<ClipTags>;
  /** The recording's embedding, (dim,) of unit length: the mean of those of its windows. */
  embedAudio(audio: AudioInput, options?: HearOptions): Promise<Float32Array>;
  embedWindows(audio: AudioInput, options?: HearOptions): Promise<WindowEmbeddings>;
  /** Embeds texts as they stand; (dim,) of unit length each. */
  embedText(texts: readonly string[]): Promise<Float32Array[]>;
  embedLabels(labels?: Labels, template?: string): Promise<LabelEmbeddings>;
  /** The moments of recordings that are nearest to a text, best first; by default 10. */
  search(
    text: string,
    recordings: readonly WindowEmbeddings[],
    options?: { topK?: number },
  ): Promise<Hit[]>;
  /** The log-mel of a recording; `columns` joins frames, loudest kept, to at most so many. */
  logMel(audio: AudioInput, options?: HearOptions & { columns?: number }): Promise<LogMel>;
  caption(audio: AudioInput, options?: CaptionOptions): Promise<Caption>;
  /** Opens a session. */
  listen(options?: ListenOptions): Promise<Session>;
  /** Learns a label from at least 2, best 5 to 20 recordings, and attaches it. */
  learn(
    label: string,
    clips: readonly (AudioInput | WindowEmbeddings)[],
    options?: LearnOptions,
  ): Promise<LearnedLabel>;
  /** Answers with a learned label from now on; one of its name is replaced. */
  attach(learned: LearnedLabel): Promise<void>;
  /** Takes a learned label off again. */
  forget(label: string): Promise<void>;
  /** The learned labels that are attached. */
  learned(): Promise<LearnedLabel[]>;
  /** Frees the model and its worker. */
  close(): Promise<void>;
}
