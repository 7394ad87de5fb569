"""CLAP as transformers has it: `ClapModel`, fused and unfused, of any size, from its folder."""

from pathlib import Path

import torch
from torch import Tensor
from transformers import ClapFeatureExtractor, ClapModel

from tinyalm.errors import ConfigError
from tinyalm.frontend import LogMelSpec
from tinyalm_distill.teachers.clap.front_end import PADDINGS, ClapFrontEnd
from tinyalm_distill.teachers.clap.tokens import read_tokenizer
from tinyalm_distill.teachers.clap.towers import Clap, Towers
from tinyalm_distill.teachers.loading import load_model, model_type
from tinyalm_distill.teachers.source import one_line

TEMPLATE = "This is a sound of {}."  # of transformers' zero-shot pipeline
_REMEDY = "give a folder that save_pretrained of the model and of its processor wrote"
_CROPS = ("fusion", "rand_trunc")


class HuggingFaceTowers(Towers):
    """`ClapModel`, asked for what lies before and after its projections.

    Every window is at most as long as the model hears, so ``is_longer`` is false for all of them,
    as in LAION's own evaluation, and a fused model reads one of its four equal crops.
    """

    def __init__(self, model: ClapModel) -> None:
        """Wrap ``model``."""
        super().__init__()
        self.model = model

    def audio(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mels, (n, frames, n_mels), to features and embeddings."""
        longer = torch.zeros(len(log_mel), 1, dtype=torch.bool, device=log_mel.device)
        heard = self.model.audio_model(input_features=log_mel[:, None], is_longer=longer)
        features: Tensor = heard.pooler_output
        return features, self.model.audio_projection(features)

    def text(self, ids: Tensor) -> Tensor:
        """Token ids, (n, tokens), to embeddings."""
        read = self.model.text_model(input_ids=ids, attention_mask=torch.ones_like(ids))
        projected: Tensor = self.model.text_projection(read.pooler_output)
        return projected


def load_hugging_face(folder: Path) -> Clap:
    """Load the checkpoint in ``folder``.

    Raises:
        ConfigError: no config or preprocessor settings there, or those of another architecture.
        DataError: the weights are damaged, or not exactly those of the config.
    """
    found = model_type(folder, _REMEDY)
    if found != "clap":
        raise ConfigError(f"{folder}: a checkpoint of {found!r}, not of 'clap'; name another")
    model = load_model(ClapModel, folder).float()
    config = model.config.text_config
    return Clap(
        towers=HuggingFaceTowers(model),
        front_end=_read_front_end(folder),
        tokenizer=read_tokenizer(folder, config.max_position_embeddings - config.pad_token_id - 1),
        dim=model.config.projection_dim,
        template=TEMPLATE,
    )


def _read_front_end(folder: Path) -> ClapFrontEnd:
    try:
        read = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises almost anything for a damaged file
        raise ConfigError(
            f"{folder}: no preprocessor settings ({one_line(error)}); {_REMEDY}"
        ) from None
    if read.truncation not in _CROPS or read.padding not in PADDINGS:
        raise ConfigError(
            f"{folder}: truncation {read.truncation!r} and padding {read.padding!r}; known are "
            f"{', '.join(_CROPS)}; {', '.join(PADDINGS)}"
        )
    # feature_extraction_clap.py: torchaudio's bands where crops are fused, librosa's elsewhere.
    fuses = read.truncation == "fusion"
    spec = LogMelSpec(
        sample_rate=read.sampling_rate,
        n_fft=read.fft_window_size,
        win_length=read.fft_window_size,
        hop_length=read.hop_length,
        center=True,
        n_mels=read.feature_size,
        f_min=float(read.frequency_min),
        f_max=float(read.frequency_max),
        mel_scale="htk" if fuses else "slaney",
        mel_norm="none" if fuses else "slaney",
        log="db",
        log_floor=1e-10,
    )
    return ClapFrontEnd(
        spec=spec, samples=int(read.nb_max_samples), padding=read.padding, keep_rest=fuses
    )
