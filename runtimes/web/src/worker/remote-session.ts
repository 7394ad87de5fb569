/** A session that lives in a worker. */
import type { Counts, Event, ListenOptions, Session } from "../api.js";
import { TinyalmError } from "../errors.js";
import { EventStream } from "../streaming/event-stream.js";
import type { Line } from "./line.js";

export class RemoteSession implements Session {
  labels: readonly string[] = [];
  private readonly stream = new EventStream();
  private id = -1;
  private closed = false;

  constructor(
    private readonly line: Line,
    private readonly options: ListenOptions,
  ) {}

  /** Opens it in the worker. */
  async open(): Promise<void> {
    const onEvent = (event: Event) => {
      this.options.onEvent?.(event);
      this.stream.emit(event);
    };
    const { id, answer } = this.line.start(
      "listen",
      [],
      { ...this.options, onEvent },
      undefined,
      true,
    );
    this.id = id;
    this.labels = (await answer) as readonly string[];
  }

  push(samples: Float32Array | readonly Float32Array[], rate?: number): Promise<Event[]> {
    return this.call("push", [samples, rate]);
  }

  feed(samples: Float32Array | readonly Float32Array[], rate?: number): void {
    if (this.closed) throw new TinyalmError("closed", "the session is closed; open another one");
    this.call("feed", [samples, rate]).catch((error) => this.options.onError?.(error as Error));
  }

  counts(): Promise<Counts> {
    return this.call("counts", []);
  }

  async flush(): Promise<Event[]> {
    if (this.closed) return [];
    const events = await this.call<Event[]>("flush", []);
    this.end();
    return events;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.call("close", []);
    this.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    return this.stream.iterate();
  }

  private call<T>(method: string, args: unknown[]): Promise<T> {
    return this.line.call(method, args, this.id);
  }

  private end(): void {
    this.closed = true;
    this.line.forget(this.id);
    this.stream.end();
  }
}
