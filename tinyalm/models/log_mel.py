"""The torch execution of `LogMelSpec`: batched, differentiable, on any device."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.frontend import LogMelSpec, mel_filters, window


class LogMel(nn.Module):
    """Waveform to log-mel; equals `tinyalm.frontend.log_mel` up to float32 rounding.

    It has no parameters: its tables are rebuilt from the spec and never saved with the weights.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, spec: LogMelSpec) -> None:
        """Build the tables of ``spec``."""
        super().__init__()
        self.spec = spec
        left = (spec.frame_length - spec.win_length) // 2
        right = spec.frame_length - spec.win_length - left
        weights = F.pad(torch.tensor(window(spec)), (left, right))
        filters = torch.tensor(mel_filters(spec))
        self.register_buffer("window", weights.float(), persistent=False)
        self.register_buffer("filters", filters.float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel of a batch.

        Args:
            waveform: (batch, samples) float32, [-1, 1] at ``spec.sample_rate`` Hz.

        Returns:
            (batch, frames, n_mels) float32.
        """
        spec = self.spec
        if spec.center:
            half = spec.n_fft // 2
            waveform = F.pad(waveform[:, None], (half, half), mode=spec.pad_mode)[:, 0]
        frames = waveform.unfold(-1, spec.frame_length, spec.hop_length)
        spectrum = torch.fft.rfft(frames * self.window, n=spec.n_fft)  # (batch, frames, bins)
        energy: Tensor = spectrum.real.square() + spectrum.imag.square()
        if spec.power == 1:
            energy = energy.sqrt()
        level: Tensor = (energy @ self.filters).clamp_min(spec.log_floor) + spec.log_offset
        log = level.log() if spec.log == "natural" else level.log10()
        if spec.log == "db":
            log = 10.0 * log
        return (log - spec.mean) / spec.std
