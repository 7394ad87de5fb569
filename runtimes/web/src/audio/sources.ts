/** Recordings of any kind as mono blocks at the model's rate. */
import type { AudioInput, Samples } from "../api.js";
import { reasonOf, TinyalmError } from "../errors.js";
import { checkRate, Meter, meanOfChannels } from "./meter.js";
import { Resampler } from "./resampler.js";
import { type Wave, waveBlocks, waveOf } from "./wave.js";

const BLOCK_S = 10;
// Browsers decode to a rate that is asked, by a filter that is not steep (docs/web.md): up is harmless.
const DECODED_RATE = 48000;

/** What can be sent to a worker: samples, or a WAV file that is read there. */
export type Prepared = Required<Samples> | Blob;

/** A recording that is open. */
export interface Recording {
  /** Seconds, at its own rate. */
  duration: number;
  /** (samples,) at the model's rate, about 10 s each; what is wrong with it may show at its end. */
  blocks: AsyncIterable<Float32Array>;
}

/** Makes a recording one that a worker can read; what only a page can decode is decoded here. */
export async function prepared(audio: AudioInput): Promise<Prepared> {
  if (audio instanceof Blob) return preparedBlob(audio);
  if (isAudioBuffer(audio)) {
    const channels = Array.from({ length: audio.numberOfChannels }, (_, i) =>
      audio.getChannelData(i),
    );
    return { samples: channels, rate: audio.sampleRate, name: "<AudioBuffer>" };
  }
  if (!isSamples(audio)) {
    throw new TinyalmError(
      "bad-audio",
      "no recording; give { samples, rate }, an AudioBuffer, or a Blob such as a File",
    );
  }
  return { samples: audio.samples, rate: audio.rate, name: audio.name ?? "<samples>" };
}

/** Opens a prepared recording. */
export async function opened(audio: Prepared, sampleRate: number): Promise<Recording> {
  if (audio instanceof Blob) {
    const label = nameOf(audio);
    const wave = await waveOf(audio, label);
    if (!wave) throw new TinyalmError("no-audio", `${label}: no audio file that can be read here`);
    checkRate(wave.rate, label);
    const seconds = (wave.stop - wave.start) / (wave.channels * wave.bytes) / wave.rate;
    return {
      duration: seconds,
      blocks: heard(monoOfWave(audio, wave), wave.rate, sampleRate, label),
    };
  }
  const channels = Array.isArray(audio.samples) ? audio.samples : [audio.samples as Float32Array];
  const rate = checkRate(audio.rate, audio.name);
  const length = channels[0]?.length ?? 0;
  if (channels.some((channel) => channel.length !== length)) {
    throw new TinyalmError("bad-audio", `${audio.name}: channels of different lengths; pad them`);
  }
  return {
    duration: length / rate,
    blocks: heard(monoOf(channels, BLOCK_S * rate), rate, sampleRate, audio.name),
  };
}

async function preparedBlob(blob: Blob): Promise<Prepared> {
  const label = nameOf(blob);
  if (blob.size === 0) {
    throw new TinyalmError("no-audio", `${label}: empty (0 bytes); copy or record it again`);
  }
  if (await waveOf(blob, label)) return blob;
  if (typeof OfflineAudioContext === "undefined") {
    throw new TinyalmError(
      "no-audio",
      `${label}: only WAV files can be read where there is no browser; convert it or give samples`,
    );
  }
  try {
    const context = new OfflineAudioContext(1, 1, DECODED_RATE);
    const decoded = await context.decodeAudioData(await blob.arrayBuffer());
    const made = await prepared(decoded);
    return { ...(made as Required<Samples>), name: label };
  } catch (error) {
    throw new TinyalmError(
      "no-audio",
      `${label}: no audio that this browser decodes (${reasonOf(error)}); convert it to WAV`,
    );
  }
}

async function* heard(
  mono: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  rate: number,
  sampleRate: number,
  label: string,
): AsyncGenerator<Float32Array> {
  const meter = new Meter(label, rate);
  const resampler = rate === sampleRate ? undefined : new Resampler(rate, sampleRate);
  for await (const block of mono) {
    const next = meter.heard(block);
    yield resampler ? resampler.push(next) : next;
  }
  meter.check();
  if (resampler) yield resampler.finish();
}

function* monoOf(channels: readonly Float32Array[], size: number): Generator<Float32Array> {
  const length = channels[0]?.length ?? 0;
  for (let at = 0; at < length; at += size) {
    yield meanOfChannels(channels.map((channel) => channel.subarray(at, at + size)));
  }
}

async function* monoOfWave(blob: Blob, wave: Wave): AsyncGenerator<Float32Array> {
  for await (const channels of waveBlocks(blob, wave)) yield meanOfChannels(channels);
}

function nameOf(blob: Blob): string {
  const name = "name" in blob ? String(blob.name) : "";
  return name || "<recording>";
}

function isAudioBuffer(audio: AudioInput): audio is AudioBuffer {
  return typeof (audio as AudioBuffer | null)?.getChannelData === "function";
}

function isSamples(audio: AudioInput): audio is Samples {
  const given = (audio as Samples | null)?.samples;
  return (
    given instanceof Float32Array ||
    (Array.isArray(given) && given.every((channel) => channel instanceof Float32Array))
  );
}
