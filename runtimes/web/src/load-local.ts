/** Loads a bundle in this thread. */
import type { LoadOptions, ModelInfo, Policy } from "./api.js";
import { BundleFiles } from "./bundle/files.js";
import { MANIFEST, type Manifest } from "./bundle/manifest.js";
import { WaveformEncoder } from "./encoder.js";
import { Engine } from "./engine.js";
import { LocalModel } from "./local-model.js";
import { policyOf } from "./policy/rules.js";

export type LocalOptions = Omit<LoadOptions, "worker">;

/** Verifies the files that everything needs; others are fetched and verified when they are. */
export async function loadLocal(url: string | URL, options: LocalOptions): Promise<LocalModel> {
  const policy = await policyOf(options.policy, options.signal);
  const files = await BundleFiles.open(url, options);
  const { manifest } = files;
  const graphs = manifest.features ? [manifest.features.file, manifest.audio.file] : [];
  await files.readAll([...new Set([manifest.audio.file, ...graphs, manifest.program])], options);
  const engine = new Engine(threadsOf(options.threads), options.wasmPaths?.toString());
  const encoder = await WaveformEncoder.open(engine, files);
  for (const name of [manifest.audio.file, ...graphs]) files.drop(name);
  return new LocalModel(infoOf(manifest, engine.threads, policy), files, encoder, engine);
}

/** Threads need shared memory, which only isolated pages have. */
function threadsOf(asked: number | undefined): number {
  return globalThis.crossOriginIsolated ? Math.max(1, Math.floor(asked ?? 1)) : 1;
}

function infoOf(manifest: Manifest, threads: number, policy: Policy): ModelInfo {
  const { provenance, windows, audio, frontend } = manifest;
  return {
    name: manifest.name,
    formatVersion: manifest.format_version,
    labels: manifest.labels,
    teacher: provenance.teacher,
    teacherLicence: provenance.teacher_licence,
    data: provenance.data,
    createdBy: provenance.created_by,
    dim: manifest.embedding_dim,
    parameters: audio.parameters,
    precision: audio.precision,
    sampleRate: Number(frontend.sample_rate),
    bands: Number(frontend.n_mels ?? 64),
    windows: {
      lengthS: windows.length_s,
      hopS: windows.hop_s,
      gridS: windows.grid_s,
      minS: windows.min_s,
    },
    calibrated: manifest.calibration !== null,
    hasText: manifest.text !== null,
    hasCaptions: manifest.caption !== null,
    bytes: Object.entries(manifest.files).reduce(
      (sum, [name, { bytes }]) => (name === MANIFEST ? sum : sum + bytes),
      0,
    ),
    threads,
    policy,
  };
}
