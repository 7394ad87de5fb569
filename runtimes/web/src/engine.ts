/** ONNX Runtime's WASM backend, and the graphs of a bundle on it. */
import * as ort from "onnxruntime-web/wasm";
import type { BundleFiles } from "./bundle/files.js";
import type { GraphInfo } from "./bundle/manifest.js";
import { reasonOf, TinyalmError } from "./errors.js";

/** A named input: float32 or int64, of a shape. */
export interface Input {
  data: Float32Array | BigInt64Array;
  shape: readonly number[];
}

/** A named output. */
export interface Output {
  data: Float32Array;
  shape: readonly number[];
}

/** Opens graphs; their calls are answered one after the other. */
export class Engine {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param threads of one call; 1 where the page is not cross-origin isolated.
   * @param wasmPaths folder with ONNX Runtime's two files; undefined for its own choice (node).
   */
  constructor(
    readonly threads: number,
    wasmPaths: string | undefined,
  ) {
    ort.env.wasm.numThreads = threads;
    if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
    ort.env.wasm.proxy = false;
    ort.env.logLevel = "error";
  }

  /** Opens a graph of a bundle; `weights` names the file that holds its external data, if any. */
  async open(files: BundleFiles, info: GraphInfo, weights?: string): Promise<Graph> {
    const content = await files.read(info.file);
    const external = weights ? [{ path: weights, data: await files.read(weights) }] : [];
    try {
      const session = await this.queued(() =>
        ort.InferenceSession.create(content, {
          executionProviders: ["wasm"],
          externalData: external,
          intraOpNumThreads: this.threads,
        }),
      );
      return new Graph(this, session, files.address(info.file));
    } catch (error) {
      throw new TinyalmError(
        "engine",
        `${files.address(info.file)}: cannot be opened (${reasonOf(error)}); ` +
          "check that ONNX Runtime's files lie under wasmPaths, or export the bundle again",
      );
    }
  }

  /** Runs one job after those before it. */
  queued<T>(job: () => Promise<T>): Promise<T> {
    const next = this.last.then(job, job);
    this.last = next.catch(() => undefined);
    return next;
  }
}

/** One opened graph. */
export class Graph {
  constructor(
    private readonly engine: Engine,
    private readonly session: ort.InferenceSession,
    readonly address: string,
  ) {}

  /** Named inputs to named float32 outputs. */
  async run(inputs: Readonly<Record<string, Input>>): Promise<Record<string, Output>> {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, tensorOf(data, shape)]),
    );
    try {
      const answers = await this.engine.queued(() => this.session.run(feeds));
      return Object.fromEntries(
        Object.entries(answers).map(([name, tensor]) => [
          name,
          { data: tensor.data as Float32Array, shape: tensor.dims },
        ]),
      );
    } catch (error) {
      throw new TinyalmError(
        "engine",
        `${this.address}: failed (${reasonOf(error)}); export the bundle again`,
      );
    }
  }

  /** Frees it. */
  release(): Promise<void> {
    return this.engine.queued(() => this.session.release());
  }
}

function tensorOf(data: Input["data"], shape: readonly number[]): ort.Tensor {
  return data instanceof BigInt64Array
    ? new ort.Tensor("int64", data, shape)
    : new ort.Tensor("float32", data, shape);
}
