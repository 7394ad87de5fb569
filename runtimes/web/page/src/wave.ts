/** What the microphone heard, in memory for as long as the page is open, to be played again. */

const HEADER = 44;
const LIMIT_S = 600; // more would not be had back from a long stream's memory
const PART_S = 10;

/** The last ten minutes of a stream as 16-bit WAV. */
export class Tape {
  private readonly parts: Blob[] = []; // blobs, which lie outside the script's memory
  private waiting: Int16Array<ArrayBuffer>[] = [];
  private waitingSamples = 0;
  private dropped = 0;
  private heard = 0;

  /** @param rate Hz. */
  constructor(private readonly rate: number) {}

  /** Seconds that were heard. */
  get seconds(): number {
    return this.heard / this.rate;
  }

  /** Second at which `wav` begins. */
  get start(): number {
    return this.dropped / this.rate;
  }

  push(samples: Float32Array): void {
    const rounded = Int16Array.from(samples, (x) =>
      Math.round(Math.max(-1, Math.min(1, x)) * 32767),
    );
    this.waiting.push(rounded);
    this.waitingSamples += rounded.length;
    this.heard += rounded.length;
    if (this.waitingSamples >= PART_S * this.rate) this.store();
  }

  wav(): Blob {
    this.store();
    const bytes = this.parts.reduce((sum, part) => sum + part.size, 0);
    return new Blob([header(bytes, this.rate), ...this.parts], { type: "audio/wav" });
  }

  private store(): void {
    this.parts.push(new Blob(this.waiting));
    this.waiting = [];
    this.waitingSamples = 0;
    if (this.parts.length > LIMIT_S / PART_S) {
      const oldest = this.parts.shift();
      this.dropped += (oldest?.size ?? 0) / 2;
    }
  }
}

/** RIFF, one channel of 16-bit samples. */
function header(bytes: number, rate: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(HEADER));
  const text = (at: number, word: string) => {
    [...word].forEach((letter, index) => {
      view.setUint8(at + index, letter.charCodeAt(0));
    });
  };
  text(0, "RIFF");
  view.setUint32(4, HEADER - 8 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  return view.buffer;
}
