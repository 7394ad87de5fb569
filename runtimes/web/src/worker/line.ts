/** The page's end of the line to a worker: calls with answers. */
import { TinyalmError } from "../errors.js";
import { type FromWorker, MODEL, type ToWorker } from "./protocol.js";

type Callback = (...args: never[]) => void;
export type CallOptions = object;

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export class Line {
  private readonly waiting = new Map<number, Waiting>();
  private readonly callbacks = new Map<number, Map<string, Callback>>();
  private calls = 0;
  private failure: TinyalmError | undefined;

  constructor(private readonly worker: Worker) {
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.heard(data));
    worker.addEventListener("error", ({ message }) => {
      this.end(new TinyalmError("engine", `the worker failed (${message}); reload the page`));
    });
  }

  /** Calls a method of the model, or of the session that call `target` opened. */
  async call<T>(method: string, args: unknown[], target = MODEL): Promise<T> {
    return (await this.start(method, args, undefined, target).answer) as T;
  }

  /** Likewise, with options as the last argument: callbacks and a signal work across the line. */
  start(
    method: string,
    args: unknown[],
    options: CallOptions | undefined,
    target = MODEL,
    keep = false,
  ): { id: number; answer: Promise<unknown> } {
    this.calls++;
    const id = this.calls;
    if (this.failure) return { id, answer: Promise.reject(this.failure) };
    const { signal, ...others } = (options ?? {}) as { signal?: AbortSignal };
    const entries = Object.entries(others);
    const told = entries.filter(([, value]) => typeof value === "function");
    const plain = Object.fromEntries(entries.filter(([, value]) => typeof value !== "function"));
    const sent = options ? [...args, { options: plain }] : args;
    this.callbacks.set(id, new Map(told as [string, Callback][]));
    const abort = () => this.send({ kind: "abort", id });
    const answer = new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ kind: "call", id, target, method, args: sent, told: told.map(([name]) => name) });
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
    }).finally(() => {
      signal?.removeEventListener("abort", abort);
      if (!keep) this.callbacks.delete(id);
    });
    return { id, answer };
  }

  /** Forgets the callbacks of a call whose answer lives on, such as a session. */
  forget(id: number): void {
    this.callbacks.delete(id);
  }

  /** Ends the worker; what waits fails with `failure`. */
  end(failure: TinyalmError): void {
    this.failure = failure;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(failure);
    this.waiting.clear();
    this.callbacks.clear();
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private heard(message: FromWorker): void {
    if (message.kind === "told") {
      const callback = this.callbacks.get(message.id)?.get(message.name);
      callback?.(...(message.args as never[]));
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === "answer") waiting?.resolve(message.value);
    else waiting?.reject(new TinyalmError(message.code ?? "engine", message.message));
  }
}
