/** Streams. */
import type { Labels } from "./model.js";
import type { LogMel } from "./results.js";

/** A stretch of a stream in which a label held. */
export interface Event {
  label: string;
  /** The highest in the event, smoothed where the rule smooths. */
  score: number;
  start: number;
  end: number;
  /** Seconds, the middle of the window of that score. */
  peak: number;
}

/** When a label's event starts and ends (docs/streaming.md); what is left out has its default. */
export interface Hysteresis {
  on?: number;
  off?: number;
  minDurationS?: number;
  minGapS?: number;
  refractoryS?: number;
  smoothingS?: number;
}

/** The rule of every label, and where some differ, of those. */
export interface EventRule extends Hysteresis {
  labels?: Readonly<Record<string, Hysteresis>>;
}

/** What a session met; docs/streaming.md. */
export interface Counts {
  samples: number;
  badSamples: number;
  clippedSamples: number;
  rateChanges: number;
  windows: number;
  answered: number;
  /** Windows lost since the model was behind. */
  dropped: number;
  /** Windows that a neighbour spoke for, for the same reason. */
  merged: number;
}

/** What a session tells after each window that the model heard. */
export interface WindowReport {
  /** Seconds that the window covers. */
  start: number;
  end: number;
  /** (dim,) unit length. */
  embedding: Float32Array;
  /** The labels of the highest scores, smoothed where the rule smooths. */
  top: { label: string; score: number }[];
  /** Events that are not over yet, as far as they go. */
  open: Event[];
  counts: Counts;
}

export interface ListenOptions {
  labels?: Labels;
  template?: string;
  rule?: EventRule;
  /** Windows that wait for the model at most; default 8. */
  backlog?: number;
  /** What gives way then; default `dropOldest`. */
  whenFull?: "dropOldest" | "merge";
  /** How many labels `top` has; default 5. */
  topK?: number;
  onEvent?: (event: Event) => void;
  onWindow?: (report: WindowReport) => void;
  /** Frames of the log-mel as they come, to be drawn. */
  onLogMel?: (logMel: LogMel) => void;
  /** What `feed` could not tell its caller. */
  onError?: (error: Error) => void;
}

/** One stream of sound. Times count samples: no clock is read. */
export interface Session extends AsyncIterable<Event> {
  /** The labels that are asked, those learned behind them. */
  readonly labels: readonly string[];
  /**
   * Hears the next samples and answers all that waits: nothing is lost, and awaiting it is the
   * back-pressure. `rate` in Hz is by default as before, and at first the model's.
   */
  push(samples: Float32Array | readonly Float32Array[], rate?: number): Promise<Event[]>;
  /**
   * Hears the next samples and returns at once, for sources that cannot wait: where the model is
   * behind, windows give way as `whenFull` says, and `counts` tells how many.
   */
  feed(samples: Float32Array | readonly Float32Array[], rate?: number): void;
  counts(): Promise<Counts>;
  /** Hears the tail, ends every event, and closes. */
  flush(): Promise<Event[]>;
  /** Drops what is held, overwritten with zeros. The iteration over events ends. */
  close(): Promise<void>;
}
