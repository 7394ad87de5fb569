"""Write `src/policy/sensitive.json`: what the Python runtime's policies know of texts.

python runtimes/web/test/sensitive.py
"""

import csv
import json
from pathlib import Path

from tinyalm.policy import words
from tinyalm.policy.families import families_of_labels

OUT = Path(__file__).parents[1] / "src" / "policy" / "sensitive.json"


def content() -> str:
    """The file: words and phrases of sensitive inferences, and the labels of each family."""
    with Path(words.__file__).with_name("phrases.csv").open(encoding="utf-8", newline="") as file:
        phrases = [[row["category"], row["phrase"]] for row in csv.DictReader(file)]
    families: dict[str, list[str]] = {}
    for label, family in families_of_labels().items():
        families.setdefault(family, []).append(label)
    patterns = {
        name: pattern.pattern.removeprefix(r"\b(?:").removesuffix(r")\b")
        for name, pattern in words._PATTERNS.items()
    }
    known = {"words": patterns, "phrases": phrases, "families": families}
    return json.dumps(known, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    OUT.write_text(content(), encoding="utf-8")
