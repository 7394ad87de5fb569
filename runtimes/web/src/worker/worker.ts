/** The worker: a model that answers messages. */
import type { Session } from "../api.js";
import { reasonOf, TinyalmError } from "../errors.js";
import { loadLocal } from "../load-local.js";
import type { LocalModel } from "../local-model.js";
import { type FromWorker, MODEL, type ToWorker } from "./protocol.js";

type Method = (...args: unknown[]) => unknown;

let model: LocalModel | undefined;
const sessions = new Map<number, Session>();
const running = new Map<number, AbortController>();

function send(message: FromWorker): void {
  postMessage(message);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "abort") running.get(data.id)?.abort();
  else answer(data);
});

async function answer(call: ToWorker & { kind: "call" }): Promise<void> {
  const controller = new AbortController();
  running.set(call.id, controller);
  try {
    const value = await perform(call, optionsOf(call, controller.signal));
    send({ kind: "answer", id: call.id, value });
  } catch (error) {
    const code = error instanceof TinyalmError ? error.code : undefined;
    send({ kind: "failure", id: call.id, code, message: reasonOf(error) });
  } finally {
    running.delete(call.id);
  }
}

/** The last argument of a call holds its options; callbacks and signal are put back into it. */
function optionsOf(call: ToWorker & { kind: "call" }, signal: AbortSignal): unknown[] {
  const args = [...call.args];
  const callbacks = call.told.map((name) => [
    name,
    (...told: unknown[]) => send({ kind: "told", id: call.id, name, args: told }),
  ]);
  const last = args[args.length - 1];
  if (typeof last === "object" && last !== null && "options" in last) {
    args[args.length - 1] = {
      ...(last.options as Record<string, unknown>),
      ...Object.fromEntries(callbacks),
      signal,
    };
  }
  return args;
}

async function perform(call: ToWorker & { kind: "call" }, args: unknown[]): Promise<unknown> {
  if (call.method === "load") {
    model = await loadLocal(...(args as Parameters<typeof loadLocal>));
    return model.info;
  }
  const target = call.target === MODEL ? model : sessions.get(call.target);
  if (!target) throw new TinyalmError("closed", "the session is closed; open another one");
  const method = Reflect.get(target, call.method) as Method;
  const value = await method.apply(target, args);
  if (call.method === "listen") {
    sessions.set(call.id, value as Session);
    return (value as Session).labels;
  }
  if (call.target !== MODEL && (call.method === "close" || call.method === "flush")) {
    sessions.delete(call.target);
  }
  return value;
}
