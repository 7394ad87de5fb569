/** Errors. */

/** What kind of thing went wrong; the message is one line for people, with the remedy in it. */
export type ErrorCode =
  | "aborted" // by the caller's AbortSignal
  | "bad-audio" // NaN or infinite samples, a rate that is none, or an unknown kind of source
  | "bad-bundle" // a manifest or file that makes no sense
  | "bad-setting" // labels, a rule, a number or an option that makes no sense
  | "closed" // the model or session was closed
  | "engine" // ONNX Runtime could not be started, or a graph failed
  | "format-version" // a bundle of another format version
  | "missing-file" // a file of the bundle or of ONNX Runtime could not be fetched
  | "microphone" // none there, permission refused, or lost
  | "no-audio" // a file that is no audio, or an empty one
  | "no-captioner"
  | "no-text" // the bundle has no text side
  | "policy" // not allowed by the policy in force
  | "silent" // nothing above -90 dBFS
  | "too-short" // less than 10 ms
  | "wrong-hash"; // a file that was altered since the bundle was made
