"""Texts to the token ids that a text graph reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.errors import BundleError, ConfigError


class Tokens:
    """Makes token ids and masks with the tokenizer of a bundle. Calls are safe from any thread.

    Args:
        path: the bundle's tokenizer file, in the format of the ``tokenizers`` library.
        max_tokens: longer texts are cut to this many tokens, special ones included.

    Raises:
        BundleError: the file is no tokenizer.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more precise
            reason = " ".join(str(error).split())
            raise BundleError(
                f"{path}: not a tokenizer ({reason}); export the bundle again"
            ) from None
        padding = self._tokenizer.padding
        self._pad_id = padding["pad_id"] if padding else 0
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token ids of a batch.

        Args:
            texts: n texts.

        Returns:
            input_ids: (n, tokens) int64, padded at the end to the longest text of the batch.
            attention_mask: (n, tokens) int64, 1 on tokens and 0 on padding.

        Raises:
            ConfigError: a text without a single token.
        """
        return self._pad([self._ids(text) for text in texts])

    def batches(
        self, texts: Sequence[str], size: int
    ) -> Iterator[tuple[list[int], NDArray[np.int64], NDArray[np.int64]]]:
        """Token ids in batches of texts that are equally long, so that nothing is padded.

        Args:
            texts: any number of texts.
            size: the most texts in a batch.

        Yields:
            (rows, input_ids, attention_mask): the positions in ``texts`` that the batch holds, and
            their ids and mask, each (len(rows), tokens) int64.

        Raises:
            ConfigError: a text without a single token.
        """
        ids = [self._ids(text) for text in texts]
        by_length: dict[int, list[int]] = {}
        for row, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(row)
        for _, rows in sorted(by_length.items()):
            for first in range(0, len(rows), size):
                chunk = rows[first : first + size]
                yield chunk, *self._pad([ids[row] for row in chunk])

    def _ids(self, text: str) -> list[int]:
        # One by one: `encode_batch` starts threads of its own, which forking applications hear of.
        ids: list[int] = self._tokenizer.encode(text).ids
        if not ids:
            raise ConfigError(f"the text {text!r} has no word in it; give it one or leave it out")
        return ids

    def _pad(self, ids: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        shape = len(ids), max(map(len, ids), default=1)
        input_ids = np.full(shape, self._pad_id, np.int64)
        attention_mask = np.zeros(shape, np.int64)
        for row, tokens in enumerate(ids):
            input_ids[row, : len(tokens)] = tokens
            attention_mask[row, : len(tokens)] = 1
        return input_ids, attention_mask
