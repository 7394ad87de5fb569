/** A log-mel as an image of one pixel a frame and band. */
import type { LogMel } from "../../src/index.js";
import { LOUDNESS } from "./colours.js";

const QUIETEST = 0.02; // share of values that are drawn as silence
const LEAST_RANGE = 1; // in the log-mel's unit, so that silence stays dark

/** Values between which colours lie. */
export interface Range {
  low: number;
  high: number;
}

/** The range that shows most of a recording. */
export function rangeOf(values: Float32Array): Range {
  const step = Math.max(1, Math.floor(values.length / 20_000));
  const some = Float32Array.from(
    { length: Math.floor(values.length / step) },
    (_, at) => values[at * step] ?? 0,
  ).sort();
  const low = some[Math.floor(some.length * QUIETEST)] ?? 0;
  return { low, high: Math.max(some.at(-1) ?? 0, low + LEAST_RANGE) };
}

/** Frames as pixels, high bands at the top. */
export function pixels({ values, frames, bands }: LogMel, { low, high }: Range): ImageData {
  const image = new ImageData(frames, bands);
  const scale = 255 / (high - low);
  for (let frame = 0; frame < frames; frame++) {
    for (let band = 0; band < bands; band++) {
      const value = values[frame * bands + band] ?? low;
      const level = Math.max(0, Math.min(255, Math.round((value - low) * scale)));
      const to = ((bands - 1 - band) * frames + frame) * 4;
      image.data.set(LOUDNESS.subarray(level * 4, level * 4 + 4), to);
    }
  }
  return image;
}

/** The image of a whole recording. */
export function imageOf(picture: LogMel): OffscreenCanvas {
  const image = new OffscreenCanvas(Math.max(1, picture.frames), picture.bands);
  if (picture.frames > 0) {
    image.getContext("2d")?.putImageData(pixels(picture, rangeOf(picture.values)), 0, 0);
  }
  return image;
}

/** The last minute of a stream: a ring of columns. */
export class RollingPicture {
  private readonly image: OffscreenCanvas;
  private readonly range: Range = { low: 0, high: LEAST_RANGE };
  private next = 0; // column
  private rest = new Float32Array(0);
  private started = false;

  /**
   * @param columns that are kept.
   * @param join frames that become one column, the loudest kept.
   */
  constructor(
    private readonly columns: number,
    private readonly bands: number,
    private readonly join: number,
  ) {
    this.image = new OffscreenCanvas(columns, bands);
  }

  push({ values, bands }: LogMel): void {
    const all = new Float32Array(this.rest.length + values.length);
    all.set(this.rest);
    all.set(values, this.rest.length);
    const size = bands * this.join;
    const columns = Math.floor(all.length / size);
    this.rest = all.slice(columns * size);
    for (let column = 0; column < columns; column++) {
      this.put(this.loudest(all.subarray(column * size, (column + 1) * size)));
    }
  }

  /** Draws it with the newest column at the right edge. */
  draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    const older = ((this.columns - this.next) / this.columns) * width;
    const { image, next, columns, bands } = this;
    if (next < columns) {
      context.drawImage(image, next, 0, columns - next, bands, 0, 0, older, height);
    }
    if (next > 0) context.drawImage(image, 0, 0, next, bands, older, 0, width - older, height);
  }

  private loudest(frames: Float32Array): Float32Array {
    return Float32Array.from({ length: this.bands }, (_, band) => {
      let most = Number.NEGATIVE_INFINITY;
      for (let at = band; at < frames.length; at += this.bands) {
        most = Math.max(most, frames[at] ?? most);
      }
      return most;
    });
  }

  private put(column: Float32Array): void {
    const low = Math.min(...column);
    const high = Math.max(...column);
    if (!this.started) Object.assign(this.range, { low, high });
    this.started = true;
    this.range.low += (low - this.range.low) * 0.02; // follows the room's noise slowly
    this.range.high = Math.max(high, this.range.high - 0.002, this.range.low + LEAST_RANGE);
    const one = { values: column, frames: 1, bands: this.bands, hopS: 0 };
    this.image.getContext("2d")?.putImageData(pixels(one, this.range), this.next, 0);
    this.next = (this.next + 1) % this.columns;
  }
}
