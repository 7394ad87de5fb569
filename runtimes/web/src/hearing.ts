/** What the student hears in a recording, window by window. */
import type { AudioInput, HearOptions, LogMel, WindowEmbeddings } from "./api.js";
import { opened, prepared } from "./audio/sources.js";
import type { WindowRule } from "./bundle/manifest.js";
import type { WaveformEncoder } from "./encoder.js";
import { checkAborted } from "./errors.js";
import { LogMelStream } from "./frontend/log-mel.js";
import { joined } from "./vectors.js";
import { type Cut, WindowCutter } from "./windows.js";
import { nextTask } from "./yielding.js";

/** Hears recordings of any length, holding one block and one batch of windows at a time. */
export class Hearing {
  constructor(
    private readonly encoder: WaveformEncoder,
    private readonly rule: WindowRule,
    private readonly rate: number,
    private readonly dim: number,
  ) {}

  /** Embeds a recording window by window. */
  async windows(audio: AudioInput, options: HearOptions): Promise<WindowEmbeddings> {
    const spans: [number, number][] = [];
    const rows: Float32Array[] = [];
    let batch: Cut[] = [];
    const hear = async () => {
      if (batch.length > 0) rows.push(await this.encoder.embed(batch.map(({ window }) => window)));
      for (const { start, stop } of batch) spans.push([start / this.rate, stop / this.rate]);
      batch = [];
    };
    for await (const cut of this.cuts(audio, options)) {
      // The one window of a short recording has a length of its own.
      batch.push(cut);
      if (batch.length === this.encoder.batchSize) await hear();
    }
    await hear();
    return {
      startS: Float64Array.from(spans, ([start]) => start),
      endS: Float64Array.from(spans, ([, end]) => end),
      embeddings: joined(rows),
      dim: this.dim,
    };
  }

  /** What is heard where there is no sound: (dim,). */
  silence(): Promise<Float32Array> {
    return this.encoder.embed([new Float32Array(Math.round(this.rule.length_s * this.rate))]);
  }

  /** The log-mel of a recording, of at most `columns` frames, the loudest of neighbours kept. */
  async logMel(audio: AudioInput, options: HearOptions & { columns?: number }): Promise<LogMel> {
    const { frontEnd } = this.encoder;
    const { bands, hopLength } = frontEnd.program;
    const parts: Float32Array[] = [];
    if (options.columns === undefined) {
      for await (const block of this.blocks(audio, options)) parts.push(block.slice());
      const values = frontEnd.logMel(joined(parts));
      return { values, frames: values.length / bands, bands, hopS: hopLength / this.rate };
    }
    const recording = await opened(await prepared(audio), this.rate);
    const frames = Math.ceil((recording.duration * this.rate) / hopLength);
    const each = Math.max(1, Math.ceil(frames / Math.max(1, options.columns)));
    const columns = new Columns(bands, each);
    const stream = new LogMelStream(frontEnd);
    for await (const block of this.blocks(audio, options)) columns.push(stream.push(block));
    const values = columns.finish();
    return { values, frames: values.length / bands, bands, hopS: (each * hopLength) / this.rate };
  }

  private async *cuts(audio: AudioInput, options: HearOptions): AsyncGenerator<Cut> {
    const cutter = new WindowCutter(this.rule, this.rate);
    for await (const block of this.blocks(audio, options)) yield* cutter.push(block);
    yield* cutter.finish();
  }

  /** Blocks at the model's rate; between them others have their turn, such as an abort. */
  private async *blocks(audio: AudioInput, options: HearOptions): AsyncGenerator<Float32Array> {
    const { duration, blocks } = await opened(await prepared(audio), this.rate);
    let heard = 0;
    for await (const block of blocks) {
      await nextTask();
      checkAborted(options.signal);
      yield block;
      heard += block.length / this.rate;
      options.progress?.(Math.min(heard, duration), duration);
    }
    checkAborted(options.signal);
  }
}

/** Joins so many frames to one column, the loudest value of each band. */
class Columns {
  private readonly parts: Float32Array[] = [];
  private column: Float32Array;
  private taken = 0;

  constructor(
    private readonly bands: number,
    private readonly each: number,
  ) {
    this.column = this.empty();
  }

  push(frames: Float32Array): void {
    for (let at = 0; at < frames.length; at += this.bands) {
      for (let band = 0; band < this.bands; band++) {
        const value = frames[at + band] as number;
        this.column[band] = Math.max(this.column[band] as number, value);
      }
      this.taken++;
      if (this.taken === this.each) this.close();
    }
  }

  finish(): Float32Array {
    if (this.taken > 0) this.close();
    return joined(this.parts);
  }

  private close(): void {
    this.parts.push(this.column);
    this.column = this.empty();
    this.taken = 0;
  }

  private empty(): Float32Array {
    return new Float32Array(this.bands).fill(Number.NEGATIVE_INFINITY);
  }
}
