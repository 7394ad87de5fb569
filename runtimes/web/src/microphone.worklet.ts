/** Collects the microphone's samples, 128 at once, and hands them on by about 100 ms. */

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new () => AudioWorkletProcessor & { process(inputs: Float32Array[][]): boolean },
): void;

class Microphone extends AudioWorkletProcessor {
  private block = new Float32Array(Math.ceil(sampleRate / 1280) * 128);
  private at = 0;

  process(inputs: Float32Array[][]): boolean {
    const samples = inputs[0]?.[0];
    if (!samples) return true;
    this.block.set(samples, this.at);
    this.at += samples.length;
    if (this.at === this.block.length) {
      const full = this.block;
      this.block = new Float32Array(full.length);
      this.at = 0;
      this.port.postMessage(full, [full.buffer]);
    }
    return true;
  }
}

registerProcessor("tinyalm-microphone", Microphone);

export {};
