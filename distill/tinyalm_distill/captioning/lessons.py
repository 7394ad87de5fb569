"""What a captioner learns from: sentences, their tokens, and the teacher's embeddings of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from torch import Tensor
from torch.nn import functional as F

from tinyalm.captioning.vocabulary import END, FULL, PAD, SHORT, SPECIAL, UNKNOWN
from tinyalm.errors import DataError
from tinyalm.labels import fill_template
from tinyalm.results import unit_length
from tinyalm_distill.captioning.pairs import read_pairs
from tinyalm_distill.captioning.recipe import Bridge, CaptionRecipe
from tinyalm_distill.captioning.texts import read_captions, short_captions
from tinyalm_distill.progress import bar
from tinyalm_distill.teacher_cache import teach_texts
from tinyalm_distill.teachers import AudioTextTeacher

_BUCKET = 32  # batches whose sentences are sorted by length together, so that little is padded


class Lessons(Struct, frozen=True):
    """All that a captioner is trained on.

    Attributes:
        tokenizer: of the sentences.
        ids: token ids of each sentence, from its style to `END`.
        embeddings: (sentences, dim) float32, the teacher's of the sentence or of a sound.
        projected: likewise, those of sentences projected onto the teacher's classes; a sound needs
            no bridge.
        train: numbers of the sentences to learn.
        held_out: numbers of captions that no step touches.
        texts: the sentences.
        licences: of captions and sounds.
    """

    tokenizer: Tokenizer
    ids: list[list[int]]
    embeddings: NDArray[np.float32]
    projected: NDArray[np.float32]
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    texts: list[str]
    licences: list[str]


def _captions(files: Sequence[str]) -> dict[str, None]:
    """The distinct captions of ``files``, in order."""
    return dict.fromkeys(text for name in files for text in read_captions(Path(name)))


def prepare(recipe: CaptionRecipe, teacher: AudioTextTeacher, cache: Path) -> Lessons:
    """Read and draw the sentences of ``recipe`` and let the teacher read them, or hear them.

    Raises:
        DataError: a file of captions, or a manifest of pairs, cannot be used.
    """
    learned, other = map(_captions, (recipe.data.texts, recipe.data.leave_out))
    full = [text for text in learned if text not in other]
    if not full:
        raise DataError("data: leave_out holds all captions of texts; name others")
    short = short_captions(teacher.labels, recipe.data.short, recipe.seed)
    pairs = read_pairs(recipe.data.pairs, teacher, cache, leave_out=other)
    tokenizer = make_tokenizer(full + short + pairs.texts, recipe.shape.vocabulary)
    room = recipe.shape.max_tokens - 2  # a sentence that has none for its end is not taught
    full, short = (
        [text for text in texts if len(tokenizer.encode(text).ids) <= room]
        for texts in (full, short)
    )
    named = fill_template(teacher.template, teacher.labels)
    with bar("teacher reads captions") as progress:
        rows = teach_texts(teacher, [*full, *short, *named], cache, progress=progress)
    order = np.random.default_rng(recipe.seed).permutation(len(full))
    held = min(recipe.data.held_out, len(full) // 2)
    unknown = {full[number] for number in order[:held]}
    paired = [
        number
        for number, text in enumerate(pairs.texts)
        if text not in unknown and len(tokenizer.encode(text).ids) <= room
    ]
    sounds = pairs.embeddings[paired]
    texts = full + short + [pairs.texts[number] for number in paired]
    styles = [FULL] * len(full) + [SHORT] * len(short) + [FULL] * len(paired)
    read, bank = np.split(rows, [len(full) + len(short)])
    near = projection(read, bank, recipe.bridge.temperature)
    return Lessons(
        tokenizer=tokenizer,
        ids=[
            [style, *encoded.ids, END]
            for style, encoded in zip(styles, tokenizer.encode_batch(texts), strict=True)
        ],
        embeddings=np.concatenate([read, sounds]),
        projected=np.concatenate([near, sounds]),
        train=np.concatenate([order[held:], np.arange(len(full), len(texts))]),
        held_out=order[:held],
        texts=texts,
        licences=list(dict.fromkeys([*recipe.data.licences, *pairs.licences])),
    )


def make_tokenizer(texts: Sequence[str], size: int) -> Tokenizer:
    """A WordPiece tokenizer of the most frequent words of ``texts``.

    Single characters are tokens, too, so that any word of them can be spelled. (The trainers of
    ``tokenizers`` give another vocabulary every time, and a training could not be resumed.)

    Args:
        texts: to be said.
        size: tokens in all; more only where characters and `SPECIAL` alone are more.
    """
    tokenizer = Tokenizer(WordPiece(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word
        for text in texts
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(
            tokenizer.normalizer.normalize_str(text)
        )
    )
    single = sorted({character for word in counts for character in word})
    words = sorted((w for w in counts if len(w) > 1), key=lambda word: (-counts[word], word))
    pieces = [*SPECIAL, *single, *(f"##{character}" for character in single)]
    tokens = [*pieces, *words[: max(0, size - len(pieces))]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer.model = WordPiece(vocabulary, unk_token=SPECIAL[UNKNOWN])
    return tokenizer


def batches(
    lessons: Lessons, size: int, epochs: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Every sentence once an epoch, in random batches of like lengths.

    Yields:
        (rows, ids): numbers of the sentences, and their (size, tokens) int64 padded with `PAD`.
    """
    lengths = np.array([len(lessons.ids[number]) for number in lessons.train])
    for epoch in range(epochs):
        draw = np.random.default_rng([seed, epoch])
        order = draw.permutation(len(lengths))
        group = size * _BUCKET
        groups = [order[at : at + group] for at in range(0, len(order), group)]
        like = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in groups])
        for start in draw.permutation(np.arange(0, len(like), size)):
            rows = lessons.train[like[start : start + size]]
            chosen = [lessons.ids[number] for number in rows]
            longest = max(map(len, chosen))
            yield rows, torch.tensor([x + [PAD] * (longest - len(x)) for x in chosen])


def projection(
    rows: NDArray[np.float32], bank: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    """Embeddings as combinations of a bank's rows, unit length (arXiv:2303.03032, eq. 4).

    Args:
        rows: (n, dim) float32 of unit length.
        bank: (m, dim) likewise.
        temperature: of the softmax over cosines that gives the weights.
    """
    scores = rows @ bank.T / temperature
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return unit_length(weights @ bank)


def bridged(rows: Tensor, projected: Tensor, bridge: Bridge, generator: torch.Generator) -> Tensor:
    """Embeddings of texts made like those of sounds, (n, dim) of unit length.

    Args:
        rows: (n, dim), the teacher's.
        projected: (n, dim), their projections.
        bridge: how.
        generator: of the draws.
    """
    taken = torch.rand(len(rows), 1, generator=generator) < bridge.projected
    given = torch.where(taken, projected, rows)
    scale = bridge.noise * torch.rand(len(rows), 1, generator=generator)
    noise = torch.randn(rows.shape, generator=generator) * rows.shape[1] ** -0.5
    return F.normalize(given + scale * noise, dim=-1)
