/** What a model is asked about: labels with their embeddings, once the guard let them pass. */
import type { LabelEmbeddings, Labels, ModelInfo, Task } from "./api.js";
import { TinyalmError } from "./errors.js";
import type { LearnedSet } from "./learning/learned-set.js";
import type { Guard } from "./policy/guard.js";
import { checkSpace } from "./text/label-pack.js";
import { checkLabels, fillTemplate } from "./text/labels.js";
import type { TextSide } from "./text/text-side.js";

export class Asking {
  constructor(
    private readonly info: ModelInfo,
    private readonly guard: Guard,
    private readonly text: TextSide,
    private readonly learned: LearnedSet,
  ) {}

  /** Texts, by default the bundle's own as far as the policy allows them, or what has vectors. */
  async labels(
    tasks: readonly Task[],
    labels: Labels | undefined,
    template: string | undefined,
  ): Promise<LabelEmbeddings> {
    if (labels && "embeddings" in labels) return this.embedded(tasks, labels, template);
    const own = labels === undefined;
    if (own && this.info.labels.length === 0 && this.learned.all.length === 0) {
      const { name } = this.info;
      throw new TinyalmError("bad-setting", `${name}: has no labels of its own; give some`);
    }
    const given = own ? this.guard.chosen(this.info.labels) : checkLabels(labels);
    const read = template === undefined ? given : fillTemplate(template, given);
    await this.guard.ask(tasks, { texts: given, read });
    const names = given.filter((label) => !this.learned.has(label));
    return this.text.embedLabels(names, template, own);
  }

  private async embedded(
    tasks: readonly Task[],
    labels: LabelEmbeddings,
    template: string | undefined,
  ): Promise<LabelEmbeddings> {
    checkSpace(labels, this.info.teacher, this.info.dim);
    if (template !== undefined && template !== labels.template) {
      throw new TinyalmError(
        "bad-setting",
        `the label pack was made with the template "${labels.template}"; leave template out`,
      );
    }
    await this.guard.ask(tasks, { texts: labels.labels, rows: labels.embeddings });
    return labels;
  }
}
