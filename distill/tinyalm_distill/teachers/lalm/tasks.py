"""What models are asked of a sound, and what their answers claim of it."""

import re
from collections.abc import Sequence

from msgspec import Struct

from tinyalm.errors import ConfigError

CAPTION, LABELS, QUESTION = TASKS = ("caption", "labels", "question")
_PROMPTS = {
    CAPTION: "Describe what can be heard in this recording in one sentence.",
    LABELS: "List the sounds that can be heard in this recording, separated by commas.",
    QUESTION: "Can {} be heard in this recording? Answer yes or no.",
}
_YES = re.compile(r"\W*yes\b", re.IGNORECASE)
_LONGEST = 60  # characters of a sound's name; what is longer is a sentence
_NUMBERING = re.compile(r"^(\W+|\d+[.)])+\s*|[\s.;]+$")


class Question(Struct, frozen=True):
    """One prompt of a task.

    Attributes:
        task: one of `TASKS`.
        prompt: in words.
        label: that a yes-or-no question asks for.
    """

    task: str
    prompt: str
    label: str = ""

    def claims(self, answer: str) -> list[str]:
        """What ``answer`` says is heard: a caption, the names of sounds, the label asked for."""
        if self.task == QUESTION:
            return [self.label] if _YES.match(answer) else []
        if self.task == CAPTION:
            return [answer] if answer else []
        parts = (_NUMBERING.sub("", part).lower() for part in re.split(r"[,;\n|]", answer))
        return list(dict.fromkeys(part for part in parts if 0 < len(part) <= _LONGEST))


def questions(tasks: Sequence[str], labels: Sequence[str]) -> list[Question]:
    """What to ask for ``tasks``, in order; a question for every one of ``labels``.

    Raises:
        ConfigError: a question without a label, or labels without a question.
    """
    if (QUESTION in tasks) != bool(labels):
        raise ConfigError(f"task {QUESTION} and --labels go together: name both, or neither")
    asked: list[Question] = []
    for task in dict.fromkeys(tasks):
        if task == QUESTION:
            asked += [Question(task, _PROMPTS[task].format(label), label) for label in labels]
        else:
            asked.append(Question(task, _PROMPTS[task]))
    return asked
