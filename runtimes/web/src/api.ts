/**
 * The public interface of `@tinyalm/web`: types alone. Names, units and meanings are those of the
 * Python runtime (docs/architecture.md) in camelCase; times are seconds, scores lie in [0, 1].
 */

export type * from "./api/audio.js";
export type * from "./api/errors.js";
export type * from "./api/model.js";
export type * from "./api/policy.js";
export type * from "./api/results.js";
export type * from "./api/streaming.js";
