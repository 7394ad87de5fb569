import type { ErrorCode } from "./api.js";

/** Every error that the library raises on purpose: one line with the remedy in it. */
export class TinyalmError extends Error {
  override readonly name = "TinyalmError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Throws where the caller's signal was aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new TinyalmError("aborted", "stopped by the caller; call again to start anew");
  }
}

/** What an unknown thrown value says, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(/\s+/).join(" ").trim();
}
