"""How well a captioner says again what it is given: embedding of a caption in, sentence out.

    python benchmarks/caption_reconstruction.py CAPTIONER --captions audiocaps_test.txt \
        --learned audiocaps_train.txt

Captions of --captions that are among those of --learned, once tidied as for a training, are left
out. Sentences are greedy, by torch.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from tinyalm.cache import cache_dir
from tinyalm.captioning.vocabulary import FULL, Vocabulary, sentence
from tinyalm.models.captioner_checkpoint import load_captioner
from tinyalm_distill.assets import require
from tinyalm_distill.captioning.texts import read_captions
from tinyalm_distill.cpu import prepare_cpu
from tinyalm_distill.evaluation.bootstrap import bootstrap
from tinyalm_distill.evaluation.metrics import mean
from tinyalm_distill.evaluation.sentences import cider_d
from tinyalm_distill.teacher_cache import teach_texts
from tinyalm_distill.teachers import open_teacher
from tinyalm_distill.teachers.minilm import MiniLM


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captioner", type=Path)
    parser.add_argument("--captions", required=True, type=Path)
    parser.add_argument("--learned", required=True, type=Path)
    given = parser.parse_args()
    prepare_cpu()
    known = set(read_captions(given.learned))
    captions = [text for text in read_captions(given.captions) if text not in known]
    teacher, judge = open_teacher("yamnet-minilm"), MiniLM(require("yamnet-minilm") / "minilm")
    rows = teach_texts(teacher, captions, cache_dir() / "distill")
    captioner = load_captioner(given.captioner).captioner
    words = Vocabulary(given.captioner / "tokenizer.json", captioner.config.vocabulary)
    said = []
    for some in np.array_split(rows, -(-len(rows) // 256)):
        ids = captioner.greedy(torch.from_numpy(some), FULL)
        said += [sentence(words.words(one)) or "nothing" for one in ids]
    alike = (judge.encode(said) * judge.encode(captions)).sum(axis=1).astype(np.float64)
    print(f"{len(captions)} captions")
    print(f"similarity {bootstrap(mean(alike), len(alike)).interval()}")
    found = cider_d(said, [[text] for text in captions])
    print(f"CIDEr-D {bootstrap(mean(found), len(found)).interval()}")
    for text, answer in zip(captions[:5], said[:5], strict=True):
        print(f"  {text} -> {answer}")


if __name__ == "__main__":
    main()
