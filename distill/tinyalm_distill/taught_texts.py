"""Texts that a text student learns from, with all that the teacher says of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm_distill.cache import Say
from tinyalm_distill.phrases import make_phrases, trim_tokenizer
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import TextTraining
from tinyalm_distill.teacher_cache import teach_texts
from tinyalm_distill.teachers import AudioTextTeacher


class TaughtTexts(Struct, frozen=True):
    """Texts to learn from, and what the teacher says of them.

    Attributes:
        tokenizer: the student's.
        vectors: (tokens, dim) float32, the teacher's embedding of every token alone.
        phrases: the texts.
        targets: (phrases, dim) float32, its embeddings of them.
    """

    tokenizer: Tokenizer
    vectors: NDArray[np.float32]
    phrases: list[str]
    targets: NDArray[np.float32]


def teach_phrases(
    teacher: AudioTextTeacher,
    known: Sequence[str],
    config: TextTraining,
    cache: Path,
    *,
    seed: int,
    say: Say,
) -> TaughtTexts:
    """Let the teacher read all that its text student learns from.

    Args:
        teacher: gives tokenizer and embeddings.
        known: labels and captions that the student should do well on.
        config: its vocabulary, and how many phrases are generated.
        cache: keeps the teacher's answers.
        seed: of the phrases.
        say: told of what was repaired in the cache.
    """
    tokenizer, tokens = trim_tokenizer(teacher.tokenizer, known, config.vocabulary)
    phrases = make_phrases(known, teacher.tokenizer, config.phrases, seed)
    pieces = [token.removeprefix("##") for token in tokens]
    with bar("teacher reads texts") as progress:
        answers = teach_texts(teacher, pieces + phrases, cache, progress=progress, say=say)
    return TaughtTexts(tokenizer, answers[: len(pieces)], phrases, answers[len(pieces) :])
