"""HTSAT (arXiv:2202.00874) from its authors' names of weights to those of transformers.

LAION-CLAP (clap_module/htsat.py) and msclap (models/htsat.py) name them alike; transformers has the
same network as `ClapAudioEncoder`, with the layers of Swin.
"""

import math
import re
from collections.abc import Mapping

from torch import Tensor
from transformers import ClapAudioConfig

_RENAMED = (
    (re.compile(r"^bn0\."), "batch_norm."),
    (re.compile(r"\.attn\.proj\."), ".attention.output.dense."),
    (re.compile(r"\.attn\.relative_"), ".attention.self.relative_"),
    (re.compile(r"\.mlp\.fc1\."), ".intermediate.dense."),
    (re.compile(r"\.mlp\.fc2\."), ".output.dense."),
    (re.compile(r"\.norm1\."), ".layernorm_before."),
    (re.compile(r"\.norm2\."), ".layernorm_after."),
)
# The front end, which is ours; the classifier of AudioSet; masks, which transformers computes.
_LEFT_OUT = re.compile(
    r"(spectrogram_extractor|logmel_extractor|tscam_conv|head)\.|layers\.\d+\.blocks\.\d+\.attn_mask$"
)
_JOINED = re.compile(r"\.attn\.qkv\.")


def convert_htsat(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """HTSAT's weights by the names of transformers' `ClapAudioEncoder`."""
    converted: dict[str, Tensor] = {}
    for key, value in weights.items():
        if _LEFT_OUT.match(key):
            continue
        if _JOINED.search(key):
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                converted[_JOINED.sub(f".attention.self.{part}.", key)] = rows
            continue
        for pattern, name in _RENAMED:
            key = pattern.sub(name, key)
        converted[key] = value
    return converted


def htsat_config(encoder: Mapping[str, Tensor], projection_dim: int) -> ClapAudioConfig:
    """The shape of converted weights; an image of 256 by 256 and strides of a patch, as published.

    Args:
        encoder: by transformers' names, see `convert_htsat`.
        projection_dim: of the embedding.
    """
    blocks: dict[int, int] = {}
    for key in encoder:
        if found := re.match(r"layers\.(\d+)\.blocks\.(\d+)\.", key):
            stage, block = int(found[1]), int(found[2])
            blocks[stage] = max(blocks.get(stage, 0), block + 1)
    tables = [
        encoder[f"layers.{stage}.blocks.0.attention.self.relative_position_bias_table"]
        for stage in range(len(blocks))
    ]
    patches = encoder["patch_embed.proj.weight"]
    hidden = patches.shape[0]
    config = ClapAudioConfig(
        window_size=(math.isqrt(tables[0].shape[0]) + 1) // 2,
        num_mel_bins=encoder["batch_norm.weight"].shape[0],
        patch_size=patches.shape[2],
        patch_stride=[patches.shape[2], patches.shape[3]],
        depths=[blocks[stage] for stage in range(len(blocks))],
        num_attention_heads=[table.shape[1] for table in tables],
        num_hidden_layers=len(blocks),
        patch_embeds_hidden_size=hidden,
        hidden_size=hidden * 2 ** (len(blocks) - 1),
        mlp_ratio=encoder["layers.0.blocks.0.intermediate.dense.weight"].shape[0] / hidden,
        enable_fusion="patch_embed.mel_conv2d.weight" in encoder,
    )
    config.projection_dim = projection_dim
    return config


def under(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those of ``weights`` whose names begin with ``prefix``, without it."""
    return {key.removeprefix(prefix): v for key, v in weights.items() if key.startswith(prefix)}


def above(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """``weights`` with ``prefix`` before their names."""
    return {prefix + key: value for key, value in weights.items()}
