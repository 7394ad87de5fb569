"""MiniLM-L6 sentence embeddings: the text side of the embedded teacher."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertModel
from transformers.utils import logging as transformers_logging

from tinyalm.errors import DataError

_BATCH = 256
_MAX_TOKENS = 128


class MiniLM:
    """all-MiniLM-L6-v2: texts to unit vectors of 384, mean-pooled over tokens."""

    dim = 384

    def __init__(self, folder: Path) -> None:
        """Load a Hugging Face BERT folder.

        Raises:
            DataError: the folder holds no such model.
        """
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = BertModel.from_pretrained(folder, local_files_only=True)
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # transformers and tokenizers raise almost anything here
            reason = str(error).splitlines()[0]
            raise DataError(f"{folder}: not the MiniLM model ({reason}); pull it again") from None
        self._model.train(False)
        self.parameters = sum(weights.numel() for weights in self._model.parameters())
        self.tokenizer.enable_truncation(_MAX_TOKENS)
        self.tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Sentence embeddings, (len(texts), 384) float32 of unit length, in the order given."""
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
        with torch.inference_mode():
            hidden = self._model(input_ids=torch.tensor(ids)).last_hidden_state  # (n, tokens, 384)
            pooled = torch.nn.functional.normalize(hidden.mean(dim=1), dim=-1)
        return np.asarray(pooled.numpy(), dtype=np.float32)
