/** A WAV file of channels of floats, as integers of so many bytes. */
export function waveFile(
  given: Float32Array | readonly Float32Array[],
  rate: number,
  bytes: 1 | 2 | 3 | 4 = 2,
): Blob {
  const channels = given instanceof Float32Array ? [given] : given;
  const frames = channels[0]?.length ?? 0;
  const size = frames * channels.length * bytes;
  const view = new DataView(new ArrayBuffer(44 + size));
  const text = (at: number, name: string) => {
    for (let i = 0; i < name.length; i++) view.setUint8(at + i, name.charCodeAt(i));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels.length * bytes, true);
  view.setUint16(32, channels.length * bytes, true);
  view.setUint16(34, 8 * bytes, true);
  text(36, "data");
  view.setUint32(40, size, true);
  const full = 2 ** (8 * bytes - 1);
  for (let frame = 0; frame < frames; frame++) {
    channels.forEach((channel, index) => {
      const at = 44 + (frame * channels.length + index) * bytes;
      const value = Math.max(
        -full,
        Math.min(full - 1, Math.round((channel[frame] as number) * full)),
      );
      const stored = bytes === 1 ? value + 128 : value;
      for (let byte = 0; byte < bytes; byte++)
        view.setUint8(at + byte, (stored >> (8 * byte)) & 255);
    });
  }
  return new Blob([view]);
}
