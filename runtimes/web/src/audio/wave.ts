/** WAV files read block by block, so that hours of sound need little memory. */
import { TinyalmError } from "../errors.js";

const CHUNKS = 1000; // a file with more of them before its samples is no recording
const UNKNOWN = 0x7fff0000; // a size from here on says "not known yet": the recorder piped
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const BLOCK_S = 10;

/** Where and how the samples of a WAV file are written. */
export interface Wave {
  rate: number;
  channels: number;
  /** Of one sample. */
  bytes: 1 | 2 | 3 | 4 | 8;
  float: boolean;
  /** First byte of the samples, and the one behind their last whole frame. */
  start: number;
  stop: number;
}

/** What a blob's header says; undefined where it is no WAV file, or of a kind for the browser. */
export async function waveOf(blob: Blob, label: string): Promise<Wave | undefined> {
  const magic = await bytesOf(blob, 0, 12);
  if (magic.byteLength < 12 || !["RIFF", "RF64"].includes(name(magic, 0))) return undefined;
  if (name(magic, 8) !== "WAVE") return undefined;
  let format: DataView | undefined;
  let longSize = 0;
  for (let chunk = 0, at = 12; chunk < CHUNKS; chunk++) {
    const header = await bytesOf(blob, at, at + 8);
    if (header.byteLength < 8) break;
    const size = header.getUint32(4, true);
    const kind = name(header, 0);
    at += 8;
    if (kind === "fmt ") format = await bytesOf(blob, at, at + Math.min(size, 40));
    if (kind === "ds64")
      longSize = Number((await bytesOf(blob, at, at + 16)).getBigUint64(8, true));
    if (kind === "data") {
      return format && layout(format, at, size < UNKNOWN ? size : longSize, blob, label);
    }
    at += size + (size % 2);
  }
  throw new TinyalmError("no-audio", `${label}: a damaged WAV file; copy or record it again`);
}

/** Blocks of about 10 s: the channels, each (samples,) in [-1, 1]. */
export async function* waveBlocks(blob: Blob, wave: Wave): AsyncGenerator<Float32Array[]> {
  const frame = wave.channels * wave.bytes;
  const step = BLOCK_S * wave.rate * frame;
  for (let at = wave.start; at < wave.stop; at += step) {
    const view = await bytesOf(blob, at, Math.min(at + step, wave.stop));
    yield channelsOf(view, wave);
  }
}

function layout(
  format: DataView,
  start: number,
  size: number,
  blob: Blob,
  label: string,
): Wave | undefined {
  if (format.byteLength < 16) return undefined;
  const channels = format.getUint16(2, true);
  const rate = format.getUint32(4, true);
  const bytes = format.getUint16(14, true) / 8;
  let code = format.getUint16(0, true);
  if (code === EXTENSIBLE && format.byteLength >= 26) code = format.getUint16(24, true);
  const known = code === PCM ? [1, 2, 3, 4] : code === FLOAT ? [4, 8] : [];
  if (!known.includes(bytes) || channels === 0) return undefined;
  const end = size > 0 ? start + size : blob.size;
  if (end > blob.size + 64) {
    throw new TinyalmError(
      "no-audio",
      `${label}: truncated, it holds ${blob.size} bytes of at least ${end}; copy or record it again`,
    );
  }
  const frame = channels * bytes;
  const whole = Math.floor((Math.min(end, blob.size) - start) / frame) * frame;
  const width = bytes as Wave["bytes"];
  return { rate, channels, bytes: width, float: code === FLOAT, start, stop: start + whole };
}

function channelsOf(view: DataView, wave: Wave): Float32Array[] {
  const frames = view.byteLength / (wave.channels * wave.bytes);
  const read = readerOf(view, wave);
  return Array.from({ length: wave.channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0; i < frames; i++) samples[i] = read((i * wave.channels + channel) * wave.bytes);
    return samples;
  });
}

function readerOf(view: DataView, wave: Wave): (at: number) => number {
  if (wave.float) {
    return wave.bytes === 4 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  }
  switch (wave.bytes) {
    case 1:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 2:
      return (at) => view.getInt16(at, true) / 32768;
    case 3:
      return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608;
    default:
      return (at) => view.getInt32(at, true) / 2147483648;
  }
}

async function bytesOf(blob: Blob, start: number, stop: number): Promise<DataView> {
  return new DataView(await blob.slice(start, stop).arrayBuffer());
}

function name(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}
