"""MiniLM-L6 sentence embeddings: the text side of the embedded teacher."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.errors import DataError

if TYPE_CHECKING:
    from transformers import BertModel

_BATCH = 256
_MAX_TOKENS = 128


class MiniLM:
    """all-MiniLM-L6-v2: texts to unit vectors of 384, mean-pooled over tokens."""

    dim = 384

    def __init__(self, folder: Path) -> None:
        """Open a Hugging Face BERT folder; its weights are read when the first text is.

        Raises:
            DataError: the folder holds no tokenizer.
        """
        self._folder = folder
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing more special
            raise self._damaged(error) from None
        self.tokenizer.enable_truncation(_MAX_TOKENS)
        self.tokenizer.no_padding()

    @property
    def parameters(self) -> int:
        """Number of its weights."""
        return sum(weights.numel() for weights in self._model.parameters())

    @cached_property
    def _model(self) -> "BertModel":
        from transformers import BertModel  # takes seconds, and a full cache asks for no text
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = BertModel.from_pretrained(self._folder, local_files_only=True)
        except Exception as error:  # transformers raises almost anything here
            raise self._damaged(error) from None
        model.train(False)
        return model

    def _damaged(self, error: Exception) -> DataError:
        reason = str(error).splitlines()[0]
        return DataError(f"{self._folder}: not the MiniLM model ({reason}); pull it again")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Sentence embeddings, (len(texts), 384) float32 of unit length, in the order given.

        Raises:
            DataError: the folder holds no such model.
        """
        encoded = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        result = np.zeros((len(encoded), self.dim), np.float32)
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        # Like lengths go together: no padding is computed, and none can change a result.
        start = 0
        while start < len(order):
            length = len(encoded[order[start]])
            stop = start
            while (
                stop < len(order) and stop - start < _BATCH and len(encoded[order[stop]]) == length
            ):
                stop += 1
            rows = order[start:stop]
            result[rows] = self._forward([encoded[i] for i in rows])
            start = stop
        return result

    def _forward(self, ids: list[list[int]]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            hidden = self._model(input_ids=torch.tensor(ids)).last_hidden_state  # (n, tokens, 384)
            pooled = torch.nn.functional.normalize(hidden.mean(dim=1), dim=-1)
        return np.asarray(pooled.numpy(), dtype=np.float32)
