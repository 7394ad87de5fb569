/**
 * Nearest concept: whether a text is nearer to a sensitive phrase than to any benign one. The
 * phrases are those of the Python runtime, read by the bundle's own text side.
 */
import type { Category } from "../api.js";
import { dot, row } from "../vectors.js";
import { labelsOf } from "./rules.js";
import sensitive from "./sensitive.json" with { type: "json" };

const BENIGN = "benign";
const TIE = 1e-4; // of cosines: phrases of which a bundle knows no word are all alike
const NEAR = 0.4; // least cosine: of what is near to nothing, some phrase is the nearest all the same
const HUMAN = ["speech", "voice", "body"];

interface Phrases {
  categories: readonly (Category | undefined)[];
  /** (phrases * dim,) */
  rows: Float32Array;
}

/** The phrases in a bundle's space, embedded when they are first needed. */
export class Concepts {
  private embedding: Promise<Phrases> | undefined;

  constructor(
    private readonly embed: (texts: readonly string[]) => Promise<Float32Array>,
    private readonly dim: number,
  ) {}

  /** The sensitive inference that each of (n * dim,) is nearest to, if to any. */
  async nearest(rows: Float32Array): Promise<(Category | undefined)[]> {
    this.embedding ??= this.embedded();
    const phrases = await this.embedding;
    return Array.from({ length: rows.length / this.dim }, (_, at) =>
      this.nearestTo(row(rows, this.dim, at), phrases),
    );
  }

  private nearestTo(vector: Float32Array, { categories, rows }: Phrases): Category | undefined {
    let worst = Number.NEGATIVE_INFINITY;
    let found: Category | undefined;
    let benign = Number.NEGATIVE_INFINITY;
    categories.forEach((category, at) => {
      const cosine = Math.fround(dot(row(rows, this.dim, at), vector));
      if (category === undefined) benign = Math.max(benign, cosine);
      else if (cosine > worst) {
        worst = cosine;
        found = category;
      }
    });
    return worst > Math.max(benign + TIE, NEAR) ? found : undefined;
  }

  private async embedded(): Promise<Phrases> {
    const written = sensitive.phrases as [Category | typeof BENIGN, string][];
    const families = Object.keys(sensitive.families).filter((name) => !HUMAN.includes(name));
    const names = labelsOf(families).map((label): [typeof BENIGN, string] => [BENIGN, label]);
    const all = [...written, ...names];
    return {
      categories: all.map(([category]) => (category === BENIGN ? undefined : category)),
      rows: await this.embed(all.map(([, phrase]) => phrase)),
    };
  }
}
