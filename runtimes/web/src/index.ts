/** `@tinyalm/web`: tag, search and caption sound in the browser; nothing leaves the page. */
export type * from "./api.js";
export { TinyalmError } from "./errors.js";
export { load } from "./load.js";
export { openMicrophone } from "./microphone.js";
export { readLabelPack } from "./text/label-pack.js";
export { dot as cosine } from "./vectors.js";
