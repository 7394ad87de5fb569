/** What may be asked. */

export type Task = "tag" | "listen" | "index" | "search" | "learn" | "embed" | "caption";
export type Category = "identity" | "age" | "gender" | "emotion" | "health" | "ethnicity";

/** The fields of a policy file (docs/privacy.md) as JSON. `speech` other than `keep` is refused. */
export interface Policy {
  format_version: 1;
  tasks: readonly Task[];
  name?: string;
  labels?: readonly string[] | null;
  families?: readonly string[] | null;
  sensitive?: readonly Category[];
  speech?: "keep" | "project" | "drop" | "refuse";
  retention_days?: number | null;
  audit?: string | null;
}
