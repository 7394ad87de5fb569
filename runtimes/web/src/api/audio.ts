/** Recordings and microphones as they are given. */

/** Channels of one length as floats in [-1, 1], or one channel by itself. */
export interface Samples {
  samples: Float32Array | readonly Float32Array[];
  /** Hz. */
  rate: number;
  /** What messages call it. */
  name?: string;
}

/**
 * A recording of any length and rate. Blobs (files) that are WAV are read block by block, others
 * are decoded by the browser; channels are averaged.
 */
export type AudioInput = Samples | AudioBuffer | Blob;

/** Options of everything that hears a recording. */
export interface HearOptions {
  signal?: AbortSignal;
  /** Called now and then with seconds heard and, where known, the recording's length. */
  progress?: (seconds: number, duration: number | undefined) => void;
}

/** A microphone that is open: an AudioWorklet hears it. */
export interface Microphone {
  /** Hz. */
  readonly rate: number;
  stop(): Promise<void>;
}

export interface MicrophoneOptions {
  deviceId?: string;
  /** Samples of one channel, about 100 ms at once, at the device's own rate. */
  onSamples: (samples: Float32Array, rate: number) => void;
  /** The device ended or was taken away. */
  onEnd?: (error: Error) => void;
}

/** Asks for the microphone, without the browser's echo cancellation, gain and noise filters. */
export type OpenMicrophone = (options: MicrophoneOptions) => Promise<Microphone>;
