/** The front end of a bundle as bytes, `frontend.logmel` (docs/front-end.md). */
import { TinyalmError } from "../errors.js";

const MAGIC = "LOGMEL\r\n";
const HEADER = 8 + 8 + 12 * 4 + 6 * 8;

/** Settings and tables of a log-mel. */
export interface Program {
  sampleRate: number;
  nFft: number;
  frameLength: number;
  hopLength: number;
  windowStart: number;
  padding: "none" | "reflect" | "constant";
  dropLast: boolean;
  roundInt16: boolean;
  power: number;
  bands: number;
  preemphasis: number;
  logOffset: number;
  logFloor: number;
  scale: number;
  shift: number;
  /** Values so much below the recording's largest are raised; 0 for none. */
  range: number;
  /** (frames of `win_length`,) */
  window: Float64Array;
  /** (bands,) of the first bin, and how many bins weigh. */
  firstBin: Uint32Array;
  binCount: Uint32Array;
  /** Weights of all bands, one after the other. */
  weights: Float32Array;
}

/** Reads a program; messages call it `label`. */
export function readProgram(raw: Uint8Array, label: string): Program {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const magic = new TextDecoder("latin1").decode(raw.subarray(0, 8));
  const known = raw.length >= HEADER && magic === MAGIC && view.getUint32(8, true) === 1;
  if (!known || view.getUint32(12, true) !== raw.length) throw damaged(label);
  const whole = Array.from({ length: 12 }, (_, i) => view.getUint32(16 + 4 * i, true));
  const [sampleRate, nFft, frameLength, hopLength, windowStart, winLength] = whole as Six;
  const [padding, dropLast, roundInt16, power, bands, count] = whole.slice(6) as Six;
  const real = Array.from({ length: 6 }, (_, i) => view.getFloat64(64 + 8 * i, true)) as Six;
  if (raw.length !== HEADER + 8 * winLength + 8 * bands + 4 * count) throw damaged(label);
  const extents = HEADER + 8 * winLength;
  return {
    sampleRate,
    nFft,
    frameLength,
    hopLength,
    windowStart,
    padding: padding === 1 ? "reflect" : padding === 2 ? "constant" : "none",
    dropLast: dropLast !== 0,
    roundInt16: roundInt16 !== 0,
    power,
    bands,
    preemphasis: real[0],
    logOffset: real[1],
    logFloor: real[2],
    scale: real[3],
    shift: real[4],
    range: real[5],
    window: Float64Array.from({ length: winLength }, (_, i) =>
      view.getFloat64(HEADER + 8 * i, true),
    ),
    firstBin: Uint32Array.from({ length: bands }, (_, i) => view.getUint32(extents + 8 * i, true)),
    binCount: Uint32Array.from({ length: bands }, (_, i) =>
      view.getUint32(extents + 8 * i + 4, true),
    ),
    weights: Float32Array.from({ length: count }, (_, i) =>
      view.getFloat32(extents + 8 * bands + 4 * i, true),
    ),
  };
}

type Six = [number, number, number, number, number, number];

function damaged(label: string): TinyalmError {
  return new TinyalmError("bad-bundle", `${label}: no front end; export the bundle again`);
}
