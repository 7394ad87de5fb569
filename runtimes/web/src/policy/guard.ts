/** The guard of a model: whatever is asked of it is asked of its policy first. */
import type { Category, Policy, Task } from "../api.js";
import { TinyalmError } from "../errors.js";
import { dot, row } from "../vectors.js";
import { Concepts } from "./concepts.js";
import { labelsOf } from "./rules.js";
import { named } from "./words.js";

const SAME = 0.5; // least cosine of a given vector to what the bundle makes of its own label

type Embed = (texts: readonly string[]) => Promise<Float32Array>;

/** What may be asked about, and the vectors that stand for it where they came with it. */
export interface Asked {
  texts?: readonly string[];
  rows?: Float32Array;
  /** The texts as they are read, where that is otherwise than they are asked. */
  read?: readonly string[];
}

/**
 * Texts that are labels of the bundle's own are no free text: its maker chose them. Others must
 * neither name a sensitive inference (`words`) nor be nearest to one (`concepts`).
 */
export class Guard {
  private readonly own: ReadonlySet<string>;
  private readonly allowed: ReadonlySet<string> | undefined;
  private readonly concepts: Concepts | undefined;
  private passed: { texts: string; rows: Float32Array | undefined } | undefined;

  /**
   * @param own labels of the bundle's own.
   * @param embed texts to (n * dim,) rows of unit length; undefined where nothing reads texts.
   */
  constructor(
    readonly policy: Policy,
    own: readonly string[],
    private readonly dim: number,
    private readonly embed: Embed | undefined,
  ) {
    this.own = new Set(own.map(folded));
    const { labels, families } = policy;
    const names = [...(labels ?? []), ...labelsOf(families ?? [])];
    this.allowed = labels || families ? new Set(names.map(folded)) : undefined;
    this.concepts = embed && new Concepts(embed, dim);
  }

  /** Makes sure that something may be done; of several tasks, one must be allowed. */
  async ask(tasks: readonly Task[], { texts = [], rows, read }: Asked = {}): Promise<void> {
    const name = this.policy.name ?? "the policy";
    if (!tasks.some((task) => this.policy.tasks.includes(task))) {
      const wanted = tasks.map((task) => `'${task}'`).join(" or ");
      throw refusal(`${name}: does not allow the task ${wanted}; add it to its tasks`);
    }
    const other = texts.find((text) => !this.allows(text));
    if (other !== undefined) {
      throw refusal(`${name}: does not allow "${other}"; ask for one of its labels`);
    }
    await this.checkSensitive(read ?? texts, rows);
  }

  /** Refuses captions where only certain labels may be asked. */
  async askCaption(): Promise<void> {
    await this.ask(["caption"]);
    if (!this.allowed) return;
    throw refusal(
      `${this.policy.name}: allows certain labels alone, and a caption is in free words; tag instead`,
    );
  }

  /** Those of the bundle's own labels that the policy allows. */
  chosen(labels: readonly string[]): string[] {
    const kept = labels.filter((label) => this.allows(label));
    if (labels.length > 0 && kept.length === 0) {
      throw refusal(`${this.policy.name}: allows none of the bundle's own labels; ask for others`);
    }
    return kept;
  }

  private allows(text: string): boolean {
    return this.allowed?.has(folded(text)) ?? true;
  }

  private async checkSensitive(
    texts: readonly string[],
    rows: Float32Array | undefined,
  ): Promise<void> {
    const key = JSON.stringify(texts);
    if (this.passed?.texts === key && same(this.passed.rows, rows)) return;
    const allowed = this.policy.sensitive ?? [];
    for (const [text, category] of await this.found(texts, rows)) {
      if (allowed.includes(category)) continue;
      throw refusal(
        `"${text}" asks for the ${category} of a person, which is refused unless a policy allows ` +
          `it (sensitive = ["${category}"])`,
      );
    }
    this.passed = { texts: key, rows };
  }

  /** Texts that ask for sensitive inferences, and for which. */
  private async found(
    texts: readonly string[],
    rows: Float32Array | undefined,
  ): Promise<[string, Category][]> {
    const free = texts.filter((text) => !this.own.has(folded(text)));
    const byWord = free.flatMap((text): [string, Category][] => {
      const category = named(text);
      return category ? [[text, category]] : [];
    });
    if (byWord.length > 0 || !this.concepts || !this.embed) return byWord;
    const asked = rows ? texts : free;
    if (asked.length === 0) return [];
    const vectors = rows ?? (await this.embed(asked));
    const near = await this.concepts.nearest(vectors);
    const found: [string, Category][] = [];
    for (const [at, text] of asked.entries()) {
      const category = near[at];
      if (!category || (await this.isOwn(text, row(vectors, this.dim, at)))) continue;
      found.push([text, category]);
    }
    return found;
  }

  /** Whether a vector that came with the name of an own label is that label's. */
  private async isOwn(label: string, vector: Float32Array): Promise<boolean> {
    if (!this.own.has(folded(label)) || !this.embed) return false;
    return dot(await this.embed([label]), vector) >= SAME;
  }
}

function folded(text: string): string {
  return text.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
}

function same(one: Float32Array | undefined, other: Float32Array | undefined): boolean {
  if (!one || !other) return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

function refusal(message: string): TinyalmError {
  return new TinyalmError("policy", message);
}
