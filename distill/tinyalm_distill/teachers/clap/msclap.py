"""Microsoft's CLAP, msclap 2022 (Cnn14, BERT) and 2023 (HTSAT, GPT-2), from its .pth files.

transformers has their parts, but for Cnn14 and the projection, and not their sum.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertModel, ClapAudioModel

from tinyalm.frontend import preset, with_mel_filters
from tinyalm_distill.teachers.clap.cnn14 import Cnn14
from tinyalm_distill.teachers.clap.front_end import ClapFrontEnd
from tinyalm_distill.teachers.clap.htsat import above, convert_htsat, htsat_config, under
from tinyalm_distill.teachers.clap.text_towers import bert_of, gpt2_of
from tinyalm_distill.teachers.clap.tokens import read_tokenizer
from tinyalm_distill.teachers.clap.towers import Clap, Towers
from tinyalm_distill.teachers.clap.weights import load_strictly

_AUDIO, _HTSAT = "audio_encoder.base.", "audio_encoder.base.htsat."
_TEXT = "caption_encoder.base."
_OLDER, _NEWER = "msclap 2022", "msclap 2023"
# The front end, which is ours; AudioSet's classifier; the temperature; buffers that are computed.
_LEFT_OUT = re.compile(
    r"audio_encoder\.base\.(spectrogram_extractor|logmel_extractor|fc_audioset)\.|logit_scale$|"
    r"caption_encoder\.base\.(embeddings\.position_ids|h\.\d+\.attn\.(masked_)?bias)$"
)


class Edition(Struct, frozen=True):
    """What is not in the weights: configs/config_*.yml of msclap.

    Attributes:
        front_end: preset of its log-mel; the bands are the checkpoint's own.
        seconds: that it hears at once.
        tokens: that it reads.
        suffix: after every text.
    """

    front_end: str
    seconds: int
    tokens: int
    suffix: str


_EDITIONS = {
    _OLDER: Edition("msclap-2022", 5, 100, ""),
    _NEWER: Edition("msclap-2023", 7, 77, " <|endoftext|>"),
}


class Projection(nn.Module):
    """A linear map, another one of its GELU added, and a layer norm (models/clap.py of msclap)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Map ``inputs`` features to ``outputs``."""
        super().__init__()
        self.linear1 = nn.Linear(inputs, outputs, bias=False)
        self.linear2 = nn.Linear(outputs, outputs, bias=False)
        self.layer_norm = nn.LayerNorm(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(n, inputs) to (n, outputs)."""
        first = self.linear1(features)
        projected: Tensor = self.layer_norm(first + self.linear2(F.gelu(first)))
        return projected


class MsClapTowers(Towers):
    """Either edition: `Cnn14` and BERT's first token, or HTSAT and GPT-2's last."""

    def __init__(self, audio: nn.Module, text: nn.Module, sizes: tuple[int, int, int]) -> None:
        """Join two towers whose features have ``sizes``, the last being the embedding's."""
        super().__init__()
        self.audio_base, self.text_base = audio, text
        self.audio_projection = Projection(sizes[0], sizes[2])
        self.text_projection = Projection(sizes[1], sizes[2])

    def audio(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mels, (n, frames, n_mels), to features and embeddings."""
        if isinstance(self.audio_base, Cnn14):
            features: Tensor = self.audio_base(log_mel)
        else:
            features = self.audio_base(input_features=log_mel[:, None]).pooler_output
        return features, self.audio_projection(features)

    def text(self, ids: Tensor) -> Tensor:
        """Token ids, (n, tokens), to embeddings."""
        read = self.text_base(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        token = 0 if isinstance(self.text_base, BertModel) else -1
        projected: Tensor = self.text_projection(read[:, token])
        return projected


def recognises(weights: Mapping[str, Tensor]) -> str:
    """The edition that these are weights of, else nothing."""
    if f"{_HTSAT}patch_embed.proj.weight" in weights and f"{_TEXT}wte.weight" in weights:
        return _NEWER
    bert = f"{_TEXT}embeddings.word_embeddings.weight"
    if f"{_AUDIO}conv_block1.conv1.weight" in weights and bert in weights:
        return _OLDER
    return ""


def convert_msclap(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of either edition by the names of `MsClapTowers`."""
    converted = above(convert_htsat(under(weights, _HTSAT)), "audio_base.audio_encoder.")
    renamed = (
        (_AUDIO, "audio_base."),
        (_TEXT, "text_base."),
        ("audio_encoder.projection.", "audio_projection."),
        ("caption_encoder.projection.", "text_projection."),
    )
    for key, value in weights.items():
        if key.startswith(_HTSAT) or _LEFT_OUT.match(key):
            continue
        for before, after in renamed:
            if key.startswith(before):
                key = after + key.removeprefix(before)
                break
        converted[key] = value
    return converted


def load(weights: Mapping[str, Tensor], folder: Path) -> Clap:
    """Load ``weights``, with the tokenizer of the text tower that lies in ``folder``.

    Raises:
        ConfigError: there is no tokenizer in ``folder``.
        KeyError, ValueError: the weights are not exactly those of the model.
    """
    name = recognises(weights)
    edition = _EDITIONS[name]
    converted = convert_msclap(weights)
    towers = _towers(converted)
    load_strictly(towers, converted, made=frozenset())
    spec = preset(edition.front_end)
    mel = weights[(_HTSAT if name == _NEWER else _AUDIO) + "logmel_extractor.melW"]
    spec = with_mel_filters(spec, np.asarray(mel))
    return Clap(
        towers=towers,
        front_end=ClapFrontEnd(
            spec=spec, samples=edition.seconds * spec.sample_rate, padding="repeat"
        ),
        tokenizer=read_tokenizer(folder, edition.tokens),
        dim=towers.audio_projection.linear2.out_features,
        template="this is the sound of {}",
        suffix=edition.suffix,
    )


def _towers(converted: Mapping[str, Tensor]) -> MsClapTowers:
    dim = converted["audio_projection.linear2.weight"].shape[0]
    audio_size = converted["audio_projection.linear1.weight"].shape[1]
    text_size = converted["text_projection.linear1.weight"].shape[1]
    text = under(converted, "text_base.")
    reader = gpt2_of(text) if "wte.weight" in text else bert_of(text)
    return MsClapTowers(_listener(converted, dim), reader, (audio_size, text_size, dim))


def _listener(converted: Mapping[str, Tensor], dim: int) -> nn.Module:
    if encoder := under(converted, "audio_base.audio_encoder."):
        return ClapAudioModel(htsat_config(encoder, dim))
    base = under(converted, "audio_base.")
    blocks = sum(bool(re.fullmatch(r"conv_block\d+\.conv1\.weight", key)) for key in base)
    widths = [base[f"conv_block{n}.conv1.weight"].shape[0] for n in range(1, blocks + 1)]
    return Cnn14(base["bn0.weight"].shape[0], widths, base["fc1.weight"].shape[0])
