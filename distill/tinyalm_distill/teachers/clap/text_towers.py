"""Text towers of transformers in the shape of given weights; heads of 64, as published."""

import re
from collections.abc import Mapping

from torch import Tensor
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

_HEAD = 64


def bert_of(text: Mapping[str, Tensor]) -> BertModel:
    """BERT of the shape of ``text``, its weights by transformers' names; not filled with them."""
    words = text["embeddings.word_embeddings.weight"]
    return BertModel(
        BertConfig(
            vocab_size=words.shape[0],
            hidden_size=words.shape[1],
            num_hidden_layers=_count(text, r"encoder\.layer\.(\d+)\."),
            num_attention_heads=max(1, words.shape[1] // _HEAD),
            intermediate_size=text["encoder.layer.0.intermediate.dense.weight"].shape[0],
            max_position_embeddings=text["embeddings.position_embeddings.weight"].shape[0],
            type_vocab_size=text["embeddings.token_type_embeddings.weight"].shape[0],
        )
    )


def gpt2_of(text: Mapping[str, Tensor]) -> GPT2Model:
    """GPT-2 of the shape of ``text``, likewise."""
    words = text["wte.weight"]
    return GPT2Model(
        GPT2Config(
            vocab_size=words.shape[0],
            n_embd=words.shape[1],
            n_layer=_count(text, r"h\.(\d+)\."),
            n_head=max(1, words.shape[1] // _HEAD),
            n_inner=text["h.0.mlp.c_fc.weight"].shape[1],
            n_positions=text["wpe.weight"].shape[0],
        )
    )


def _count(text: Mapping[str, Tensor], layer: str) -> int:
    return len({found[1] for key in text if (found := re.match(layer, key))})
