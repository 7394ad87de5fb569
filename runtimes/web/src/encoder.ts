/** Graphs that answer with embeddings: of windows of sound, and of texts. */
import type { BundleFiles } from "./bundle/files.js";
import type { GraphInfo } from "./bundle/manifest.js";
import type { Engine, Graph, Input } from "./engine.js";
import { TinyalmError } from "./errors.js";
import { LogMelFrontEnd } from "./frontend/log-mel.js";
import { readProgram } from "./frontend/program.js";
import { unitRows } from "./vectors.js";

const BATCH_S = 12; // of windows that the graph hears at once: 10 s of sound are one call
const REMEDY = "export the bundle again";

/** One opened graph whose first output is an embedding. */
export class Encoder {
  private constructor(
    private readonly graph: Graph,
    private readonly info: GraphInfo,
    private readonly dim: number,
  ) {}

  /** Opens a graph of a bundle; `weights` names the file that holds its external data, if any. */
  static async open(
    engine: Engine,
    files: BundleFiles,
    info: GraphInfo,
    weights?: string,
  ): Promise<Encoder> {
    if (!info.inputs[0] || !info.outputs[0]) {
      throw new TinyalmError(
        "bad-bundle",
        `${files.address(info.file)}: the manifest names no input or no output; ${REMEDY}`,
      );
    }
    const graph = await engine.open(files, info, weights);
    return new Encoder(graph, info, files.manifest.embedding_dim);
  }

  /** Name of the first input. */
  get input(): string {
    return this.info.inputs[0]?.name ?? "";
  }

  /** A batch to (batch * dim,), rows of unit length. */
  async embed(inputs: Readonly<Record<string, Input>>, batch: number): Promise<Float32Array> {
    const answers = await this.graph.run(inputs);
    const rows = answers[this.info.outputs[0]?.name ?? ""];
    const fits = rows?.shape.length === 2 && rows.shape[0] === batch && rows.shape[1] === this.dim;
    if (!fits || !rows.data.every(Number.isFinite)) {
      throw new TinyalmError(
        "engine",
        `${this.graph.address}: does not answer with ${this.dim} finite numbers for each input, ` +
          `as the manifest says; ${REMEDY}`,
      );
    }
    return unitRows(rows.data.slice(), this.dim);
  }

  /** Frees the graph. */
  release(): Promise<void> {
    return this.graph.release();
  }
}

/**
 * Waveform to embedding: the front end here before the features graph, which is several times
 * faster in WASM than `audio.onnx` (docs/web.md), and that one in bundles that have no other.
 */
export class WaveformEncoder {
  /** How many windows of a recording are best heard at once. */
  readonly batchSize: number;

  private constructor(
    private readonly encoder: Encoder,
    /** Log-mels, to be drawn in any case. */
    readonly frontEnd: LogMelFrontEnd,
    private readonly hears: "log-mel" | "waveform",
    lengthS: number,
  ) {
    this.batchSize = Math.max(1, Math.floor(BATCH_S / lengthS));
  }

  static async open(engine: Engine, files: BundleFiles): Promise<WaveformEncoder> {
    const { manifest } = files;
    const program = readProgram(
      await files.read(manifest.program),
      files.address(manifest.program),
    );
    const encoder = manifest.features
      ? await Encoder.open(engine, files, manifest.features, manifest.audio.file)
      : await Encoder.open(engine, files, manifest.audio);
    const hears = manifest.features ? "log-mel" : "waveform";
    const { length_s } = manifest.windows;
    return new WaveformEncoder(encoder, new LogMelFrontEnd(program), hears, length_s);
  }

  /** Embeds windows of one length, each (samples,), in one call: (windows * dim,). */
  embed(windows: readonly Float32Array[]): Promise<Float32Array> {
    const { bands } = this.frontEnd.program;
    const heard = windows.map((window) =>
      this.hears === "waveform" ? window : this.frontEnd.logMel(window),
    );
    const size = heard[0]?.length ?? 0;
    const data = new Float32Array(heard.length * size);
    heard.forEach((one, index) => {
      data.set(one, index * size);
    });
    const shape = this.hears === "waveform" ? [size] : [size / bands, bands];
    const inputs = { [this.encoder.input]: { data, shape: [heard.length, ...shape] } };
    return this.encoder.embed(inputs, heard.length);
  }

  /** Frees the graph. */
  release(): Promise<void> {
    return this.encoder.release();
  }
}
