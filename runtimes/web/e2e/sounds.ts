/** Sounds for the tests, made when they are needed. */
import { ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { randomOf } from "../test/sounds.js";

const HEADER = 44;
const RATE = 16_000;

/** A hiss, and in its second half a whistle: 16-bit WAV. */
export function hissAndWhistle(path: string, seconds: number, seed = 1): string {
  const random = randomOf(seed);
  const samples = Int16Array.from({ length: seconds * RATE }, (_, at) => {
    const whistle = at > (seconds * RATE) / 2 ? Math.sin((2 * Math.PI * 2000 * at) / RATE) : 0;
    return 3000 * random() + 9000 * whistle;
  });
  writeFileSync(path, Buffer.concat([header(samples.byteLength), Buffer.from(samples.buffer)]));
  return path;
}

/** A hiss of a second, and hours of silence that take no room on the disk. */
export function hours(path: string, count: number): string {
  const bytes = count * 3600 * RATE * 2;
  const random = randomOf(1);
  const hiss = Int16Array.from({ length: RATE }, () => 3000 * random());
  const file = openSync(path, "w");
  writeSync(file, Buffer.concat([header(bytes), Buffer.from(hiss.buffer)]));
  ftruncateSync(file, HEADER + bytes);
  return path;
}

function header(bytes: number): Buffer {
  const made = Buffer.alloc(HEADER);
  made.write("RIFF", 0);
  made.writeUInt32LE(HEADER - 8 + bytes, 4);
  made.write("WAVEfmt ", 8);
  made.writeUInt32LE(16, 16);
  made.writeUInt16LE(1, 20);
  made.writeUInt16LE(1, 22);
  made.writeUInt32LE(RATE, 24);
  made.writeUInt32LE(2 * RATE, 28);
  made.writeUInt16LE(2, 32);
  made.writeUInt16LE(16, 34);
  made.write("data", 36);
  made.writeUInt32LE(bytes, 40);
  return made;
}
