import type { Event } from "../api.js";

/** Hands events to whoever iterates over them; those of before the iteration are not kept. */
export class EventStream {
  private readonly readers = new Set<Reader>();
  private ended = false;

  emit(event: Event): void {
    for (const reader of this.readers) reader.take(event);
  }

  end(): void {
    this.ended = true;
    for (const reader of this.readers) reader.end();
  }

  iterate(): AsyncIterator<Event> {
    const reader = new Reader(() => this.readers.delete(reader));
    this.readers.add(reader);
    if (this.ended) reader.end();
    return reader;
  }
}

class Reader implements AsyncIterator<Event> {
  private readonly held: Event[] = [];
  private readonly waiting: ((result: IteratorResult<Event>) => void)[] = [];
  private ended = false;

  constructor(private readonly leave: () => void) {}

  take(event: Event): void {
    const waiting = this.waiting.shift();
    if (waiting) waiting({ value: event, done: false });
    else this.held.push(event);
  }

  end(): void {
    this.ended = true;
    for (const waiting of this.waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<Event>> {
    const event = this.held.shift();
    if (event) return Promise.resolve({ value: event, done: false });
    if (this.ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  return(): Promise<IteratorResult<Event>> {
    this.leave();
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }
}
