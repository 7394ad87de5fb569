"""LAION-CLAP's own checkpoints (.pt of `laion_clap`), into transformers' `ClapModel`."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from torch import Tensor
from transformers import ClapConfig, ClapModel, ClapTextConfig

from tinyalm.frontend import preset, with_mel_filters
from tinyalm_distill.teachers.clap.front_end import ClapFrontEnd
from tinyalm_distill.teachers.clap.htsat import above, convert_htsat, htsat_config, under
from tinyalm_distill.teachers.clap.hugging_face import TEMPLATE, HuggingFaceTowers
from tinyalm_distill.teachers.clap.tokens import read_tokenizer
from tinyalm_distill.teachers.clap.towers import Clap
from tinyalm_distill.teachers.clap.weights import load_strictly

_AUDIO, _TEXT = "audio_branch.", "text_branch."
_MEL = "audio_branch.logmel_extractor.melW"
_SECONDS, _TOKENS, _HEAD = 10, 77, 64
# Two MLPs beside the projections that nothing but LAION's training reads, and a computed buffer.
_LEFT_OUT = re.compile(r"(audio|text)_transform\.|text_branch\.embeddings\.position_ids$")
_MADE = frozenset({"text_model.embeddings.position_ids", "text_model.embeddings.token_type_ids"})
_PROJECTION = re.compile(r"^(audio|text)_projection\.([02])\.")


def recognises(weights: Mapping[str, Tensor]) -> str:
    """Its name if these are weights of LAION-CLAP, else nothing."""
    htsat = f"{_AUDIO}patch_embed.proj.weight" in weights
    return "LAION-CLAP" if htsat and f"{_TEXT}embeddings.word_embeddings.weight" in weights else ""


def convert_laion(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LAION-CLAP's weights by the names of transformers' `ClapModel`."""
    converted = above(convert_htsat(under(weights, _AUDIO)), "audio_model.audio_encoder.")
    for key, value in weights.items():
        if key.startswith(_AUDIO) or _LEFT_OUT.match(key):
            continue
        if found := _PROJECTION.match(key):
            number = 1 + int(found[2]) // 2  # the second of three layers is the ReLU between
            key = f"{found[1]}_projection.linear{number}." + key[found.end() :]
        elif key.startswith(_TEXT):
            key = "text_model." + key.removeprefix(_TEXT)
        converted[key] = value
    return converted


def laion_config(converted: Mapping[str, Tensor]) -> ClapConfig:
    """The shape of converted weights; heads of 64 and an epsilon of 1e-5, as RoBERTa's."""
    text = under(converted, "text_model.")
    words, positions = (
        text[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position")
    )
    layers = {found[1] for key in text if (found := re.match(r"encoder\.layer\.(\d+)\.", key))}
    projection = converted["audio_projection.linear2.weight"].shape[0]
    audio = htsat_config(under(converted, "audio_model.audio_encoder."), projection)
    reading = ClapTextConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        num_hidden_layers=len(layers),
        num_attention_heads=max(1, words.shape[1] // _HEAD),
        intermediate_size=text["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=positions.shape[0],
        type_vocab_size=text["embeddings.token_type_embeddings.weight"].shape[0],
        layer_norm_eps=1e-5,
    )
    return ClapConfig(
        text_config=reading.to_dict(), audio_config=audio.to_dict(), projection_dim=projection
    )


def load(weights: Mapping[str, Tensor], folder: Path) -> Clap:
    """Load ``weights``, with the tokenizer of roberta-base that lies in ``folder``.

    The front end is LAION's: samples rounded to 16 bits; the bands of the checkpoint where it
    hears a single crop, torchaudio's where it fuses several (training/data.py of LAION-CLAP).

    Raises:
        ConfigError: there is no tokenizer in ``folder``.
        ValueError: the weights are not exactly those of the model.
    """
    converted = convert_laion(weights)
    config = laion_config(converted)
    model = ClapModel(config)
    load_strictly(model, converted, made=_MADE)
    fuses = f"{_AUDIO}patch_embed.mel_conv2d.weight" in weights
    spec = preset("clap-htsat-fused" if fuses else "clap-htsat-unfused")
    if not fuses and _MEL in weights:
        spec = with_mel_filters(spec, weights[_MEL].numpy())
    spec = msgspec.structs.replace(spec, round_int16=True)
    return Clap(
        towers=HuggingFaceTowers(model),
        front_end=ClapFrontEnd(
            spec=spec,
            samples=_SECONDS * spec.sample_rate,
            padding="repeatpad",
            keep_rest=fuses,
        ),
        tokenizer=read_tokenizer(folder, _TOKENS),
        dim=config.projection_dim,
        template=TEMPLATE,
    )
