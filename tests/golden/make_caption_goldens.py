"""Makes captions.json: what aac-metrics says of sentences, BLEU-4, ROUGE-L and CIDEr-D.

    python3.11 -m venv build/golden
    build/golden/bin/pip install aac-metrics==0.6.0 torch==2.13.0
    build/golden/bin/pip install --no-deps torchaudio==2.11.0
    rm build/golden/lib/python3.11/site-packages/torchaudio/lib/*.so
    build/golden/bin/python tests/golden/make_caption_goldens.py

Only its three metrics that need neither Java nor a download. It imports msclap, hence torchaudio,
for others; aac-metrics is therefore no dependency of the tests. Words are in lower case and
without punctuation, so that no tokenizer takes part.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from aac_metrics.functional.bleu import bleu
from aac_metrics.functional.cider_d import cider_d
from aac_metrics.functional.rouge_l import rouge_l

CLIPS = 60
WORDS = """
    a a a the and then while dog barks cat meows rain falls wind blows loudly far away man
    speaks car passes by bell rings twice water runs birds sing engine idles
"""


def near(draw: np.random.Generator, words: list[str]) -> list[str]:
    """The words with a few changed, dropped or said again."""
    out: list[str] = []
    for word in words:
        kind = draw.random()
        if kind < 0.6:
            out.append(word)
        elif kind < 0.75:
            out += [word, word]
        elif kind < 0.9:
            out.append(str(draw.choice(WORDS.split())))
    return out or [words[0]]


def main() -> None:
    """Draw sentences, let aac-metrics judge them, write."""
    draw = np.random.default_rng(7)
    said, references = [], []
    for _ in range(CLIPS):
        first = [str(word) for word in draw.choice(WORDS.split(), int(draw.integers(1, 16)))]
        others = [near(draw, first) for _ in range(int(draw.integers(0, 5)))]
        references.append([" ".join(words) for words in (first, *others)])
        said.append(" ".join(near(draw, first)))
    total, _ = bleu(said, references)
    golden = {
        "made by": f"aac-metrics {version('aac-metrics')}",
        "said": said,
        "references": references,
        "bleu_4": float(total["bleu_4"]),
        "rouge_l": rouge_l(said, references)[1]["rouge_l"].tolist(),
        "cider_d": cider_d(said, references)[1]["cider_d"].tolist(),
    }
    path = Path(__file__).with_name("captions.json")
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
