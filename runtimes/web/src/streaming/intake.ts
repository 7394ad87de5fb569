/** What comes into a session: samples of any rate, made windows and frames of the log-mel. */
import type { Counts, ListenOptions } from "../api.js";
import { checkRate } from "../audio/meter.js";
import { Resampler } from "../audio/resampler.js";
import type { WindowRule } from "../bundle/manifest.js";
import { type LogMelFrontEnd, LogMelStream } from "../frontend/log-mel.js";
import { type Cut, WindowCutter } from "../windows.js";
import { usable } from "./usable.js";

const BLOCK_S = 10;

export class Intake {
  /** What was met so far. */
  readonly met: Pick<Counts, "samples" | "badSamples" | "clippedSamples" | "rateChanges"> = {
    samples: 0,
    badSamples: 0,
    clippedSamples: 0,
    rateChanges: 0,
  };
  private readonly cutter: WindowCutter;
  private readonly drawn: LogMelStream;
  private resampler: Resampler | undefined;
  private sourceRate: number;

  /** @param rate Hz, of the model. */
  constructor(
    rule: WindowRule,
    private readonly rate: number,
    private readonly frontEnd: LogMelFrontEnd,
    private readonly onLogMel: ListenOptions["onLogMel"],
  ) {
    this.cutter = new WindowCutter(rule, rate);
    this.drawn = new LogMelStream(frontEnd);
    this.sourceRate = rate;
  }

  /** Windows that end in the next samples; exhaust it before the next are taken. */
  *take(samples: Float32Array | readonly Float32Array[], rate: number | undefined): Generator<Cut> {
    if (rate !== undefined && rate !== this.sourceRate) yield* this.changeRate(rate);
    const mono = usable(samples, this.met);
    for (let at = 0; at < mono.length; at += BLOCK_S * this.sourceRate) {
      const piece = mono.subarray(at, at + BLOCK_S * this.sourceRate);
      yield* this.heard(this.resampler ? this.resampler.push(piece) : piece);
    }
    mono.fill(0);
  }

  /** The last windows. */
  *tail(): Generator<Cut> {
    if (this.resampler) yield* this.heard(this.resampler.finish());
    yield* this.cutter.finish();
  }

  /** Overwrites the samples held with zeros. */
  close(): void {
    this.cutter.close();
    this.drawn.close();
    this.resampler?.close();
  }

  private *heard(samples: Float32Array): Generator<Cut> {
    if (this.onLogMel) this.draw(samples, this.onLogMel);
    yield* this.cutter.push(samples);
    samples.fill(0);
  }

  /** Windows that end in what is left of the old rate. */
  private *changeRate(rate: number): Generator<Cut> {
    const checked = checkRate(rate, "stream");
    if (checked === this.sourceRate) return;
    if (this.met.samples > 0) {
      if (this.resampler) yield* this.heard(this.resampler.finish());
      this.met.rateChanges++;
    }
    this.sourceRate = checked;
    this.resampler = checked === this.rate ? undefined : new Resampler(checked, this.rate);
  }

  private draw(samples: Float32Array, onLogMel: NonNullable<ListenOptions["onLogMel"]>): void {
    const { bands, hopLength } = this.frontEnd.program;
    const values = this.drawn.push(samples);
    if (values.length === 0) return;
    onLogMel({ values, frames: values.length / bands, bands, hopS: hopLength / this.rate });
  }
}
