/** What is answered: plain data. */

/** One label's answer; `start` and `end` are of the window where the label is strongest. */
export interface Tag {
  label: string;
  /** Calibrated probability in [0, 1] that the label applies. */
  score: number;
  /** Cosine in [-1, 1] that the score comes from. */
  similarity: number;
  start: number;
  end: number;
}

/** The best tags of one window. */
export interface Segment {
  start: number;
  end: number;
  tags: Tag[];
}

/** Tags of a whole recording, best first, and window by window in time order. */
export interface ClipTags {
  tags: Tag[];
  segments: Segment[];
  /** Seconds. */
  duration: number;
}

/** What the student hears in each window, in time order. Plain data: it may be stored. */
export interface WindowEmbeddings {
  /** (windows,) seconds. */
  startS: Float64Array;
  /** (windows,) seconds; the last is the recording's end. */
  endS: Float64Array;
  /** (windows * dim,) row by row, each of unit length. */
  embeddings: Float32Array;
  dim: number;
}

/** Labels with their vectors, made once and scored against many recordings. Plain data. */
export interface LabelEmbeddings {
  labels: string[];
  template: string;
  /** (labels * dim,) row by row, each of unit length. */
  embeddings: Float32Array;
  dim: number;
  /** (labels,) cosines below which a label is not answered. */
  thresholds?: Float32Array;
  /** Teacher in whose space the vectors of a label pack are. */
  teacher?: string;
}

export interface LogMel {
  /** (frames * bands,) frame by frame, low bands first; in the bundle's own units. */
  values: Float32Array;
  frames: number;
  bands: number;
  /** Seconds from one frame to the next. */
  hopS: number;
}

export type Style = "full" | "short";

/** A word that names something; words without support were taken out (`kept` is false). */
export interface CaptionWord {
  text: string;
  support: number;
  kept: boolean;
}

export interface CaptionSegment {
  start: number;
  end: number;
  /** Empty where nothing is recognised. */
  text: string;
  confidence: number;
  words: CaptionWord[];
}

export interface Caption {
  text: string;
  confidence: number;
  segments: CaptionSegment[];
  duration: number;
}

/** A moment of a recording that was searched: a window that overlaps no better one of it. */
export interface Hit {
  /** Position in the list that was searched. */
  recording: number;
  start: number;
  end: number;
  similarity: number;
  score: number;
}

/** A label that was learned from recordings. Plain data: it may be stored and attached again. */
export interface LearnedLabel {
  label: string;
  /** Recordings that it was learned from. */
  examples: number;
  falseAlarm: number;
  /** (dim,) unit length. */
  embedding: Float32Array;
  scale: number;
  bias: number;
  /** Cosine below which it is not answered. */
  threshold: number;
  /** SHA-256 of the `audio.onnx` that heard it. */
  encoder: string;
}
