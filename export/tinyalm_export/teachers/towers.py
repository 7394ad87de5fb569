"""The towers of transformers' `ClapModel` as modules that export well, and as they answer."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AudioTower(nn.Module):
    """Log-mel to embedding, with HTSAT's bicubic resize over time as a product with one matrix.

    The resize comes before the normalisation over bands instead of behind it: that is affine, and
    the weights of an interpolation add up to 1. A fused model hears its one crop, as transformers'
    does where no row ``is_longer``.
    """

    def __init__(self, model: Any, frames: int) -> None:  # noqa: ANN401 - transformers has no types
        """Take the audio tower out of the `ClapModel` ``model``, which stays as it is.

        Args:
            model: in evaluation mode.
            frames: that it hears, at most the columns that HTSAT lays its image from.
        """
        super().__init__()
        self.body = copy.deepcopy(model.audio_model)
        self.projection = copy.deepcopy(model.audio_projection)
        encoder = self.body.audio_encoder
        encoder.enable_fusion = encoder.patch_embed.enable_fusion = False
        unit = torch.eye(frames)[None, None]
        resize = F.interpolate(
            unit,
            (encoder.spec_size * encoder.freq_ratio, frames),
            mode="bicubic",
            align_corners=True,
        )
        self.register_buffer("resize", resize[0, 0])

    def forward(self, log_mel: Tensor) -> Tensor:
        """(n, frames, n_mels) float32 to (n, dim) float32 of unit length."""
        image = torch.matmul(self.resize, log_mel)  # type: ignore[arg-type]
        heard = self.body(input_features=image[:, None]).pooler_output
        return F.normalize(self.projection(heard), dim=-1)


class TextTower(nn.Module):
    """Token ids and their mask to embedding; positions are counted over what is no padding."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401
        """Share the text tower of the `ClapModel` ``model``, which is in evaluation mode."""
        super().__init__()
        self.body = model.text_model
        self.projection = model.text_projection

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(n, tokens) int64, both, to (n, dim) float32 of unit length."""
        # transformers takes a mask of four axes as it is; of two it makes a dozen nodes.
        hidden = 1.0 - attention_mask[:, None, None, :].float()
        read = self.body(
            input_ids=input_ids,
            attention_mask=hidden * torch.finfo(torch.float32).min,
            token_type_ids=torch.zeros_like(input_ids),
        )
        return F.normalize(self.projection(read.pooler_output), dim=-1)


def audio_answer(model: Any, log_mel: Tensor) -> Tensor:  # noqa: ANN401
    """What ``model`` itself, nothing folded, answers to log-mels of whole windows; unit length."""
    longer = torch.zeros(len(log_mel), 1, dtype=torch.bool)
    with torch.inference_mode():
        heard = model.audio_model(input_features=log_mel[:, None], is_longer=longer)
        return F.normalize(model.audio_projection(heard.pooler_output), dim=-1)


def text_answer(model: Any, input_ids: Tensor) -> Tensor:  # noqa: ANN401
    """What ``model`` itself answers to token ids of texts of one length; unit length."""
    with torch.inference_mode():
        read = model.text_model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids))
        return F.normalize(model.text_projection(read.pooler_output), dim=-1)
