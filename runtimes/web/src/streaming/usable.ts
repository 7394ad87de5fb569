/** Samples of a stream made usable: faults of the source are silenced and counted. */
import { meanOfChannels } from "../audio/meter.js";
import { TinyalmError } from "../errors.js";

const LOUDEST = 1e6; // a sample beyond it is a fault of the source, not sound
const CLIPPED = 32767 / 32768; // the highest int16

/** What a stream's source did. */
export interface Faults {
  samples: number;
  badSamples: number;
  clippedSamples: number;
}

/** Channels averaged to a new array, NaN, infinite and absurd samples as zeros. */
export function usable(
  samples: Float32Array | readonly Float32Array[],
  faults: Faults,
): Float32Array {
  const channels = samples instanceof Float32Array ? [samples] : samples;
  const length = channels[0]?.length ?? 0;
  if (!Array.isArray(channels) || channels.some((one) => one.length !== length)) {
    throw new TinyalmError("bad-audio", "stream: give a Float32Array, or channels of one length");
  }
  const mono = meanOfChannels(channels).slice();
  faults.samples += length;
  for (let i = 0; i < length; i++) {
    const size = Math.abs(mono[i] as number);
    if (size < CLIPPED) continue;
    if (size <= LOUDEST) {
      faults.clippedSamples++;
    } else {
      faults.badSamples++;
      mono[i] = 0;
    }
  }
  return mono;
}
