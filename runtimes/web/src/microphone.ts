/** The microphone, heard by an AudioWorklet. */
import type { OpenMicrophone } from "./api.js";
import { reasonOf, TinyalmError } from "./errors.js";
import workletUrl from "./microphone.worklet.ts?worker&url";

export const openMicrophone: OpenMicrophone = async ({ deviceId, onSamples, onEnd }) => {
  const stream = await permitted(deviceId);
  const context = new AudioContext({ latencyHint: "playback" });
  try {
    await context.audioWorklet.addModule(workletUrl);
    await context.resume();
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
    throw refusal(`cannot be heard (${reasonOf(error)}); reload the page`);
  }
  const source = context.createMediaStreamSource(stream);
  const heard = new AudioWorkletNode(context, "tinyalm-microphone", {
    numberOfInputs: 1,
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: "explicit",
  });
  heard.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
    onSamples(data, context.sampleRate);
  };
  source.connect(heard);
  for (const track of stream.getTracks()) {
    track.addEventListener("ended", () => onEnd?.(refusal("was taken away; plug it in again")));
  }
  return {
    rate: context.sampleRate,
    stop: async () => {
      heard.port.onmessage = null;
      for (const track of stream.getTracks()) track.stop();
      if (context.state !== "closed") await context.close();
    },
  };
};

async function permitted(deviceId: string | undefined): Promise<MediaStream> {
  if (!globalThis.navigator?.mediaDevices) {
    throw refusal("needs a page that is served over https or from 127.0.0.1");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: {
        ...(deviceId !== undefined && { deviceId: { exact: deviceId } }),
        channelCount: 1,
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
      },
    });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "NotAllowedError") throw refusal("was not permitted; allow it in the address bar");
    if (name === "NotFoundError" || name === "OverconstrainedError") {
      throw refusal("is not there; plug one in");
    }
    throw refusal(`cannot be opened (${reasonOf(error)}); close what else uses it`);
  }
}

function refusal(reason: string): TinyalmError {
  return new TinyalmError("microphone", `the microphone ${reason}`);
}
