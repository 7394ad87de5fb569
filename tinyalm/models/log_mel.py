"""The torch execution of `LogMelSpec`: batched, differentiable, on any device."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.frontend import LogMelSpec, mel_filters, window


class LogMel(nn.Module):
    """Waveform to log-mel; equals `tinyalm.frontend.log_mel` up to float32 rounding of its answer.

    It has no parameters: its tables are rebuilt from the spec and never saved with the weights.
    The DFT is computed in float64: float32 loses the quiet bands beside a loud one (a full-scale
    sine 100 dB above its neighbours). Devices that have no float64 (MPS) take float32.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, spec: LogMelSpec) -> None:
        """Build the tables of ``spec``."""
        super().__init__()
        self.spec = spec
        right = spec.frame_length - spec.window_start - spec.win_length
        self.register_buffer(
            "window",
            F.pad(torch.tensor(window(spec)), (spec.window_start, right)),
            persistent=False,
        )
        self.register_buffer("filters", torch.tensor(mel_filters(spec)).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel of a batch.

        Args:
            waveform: (batch, samples) float32, [-1, 1] at ``spec.sample_rate`` Hz.

        Returns:
            (batch, frames, n_mels) float32; every recording as if it were alone.
        """
        spec = self.spec
        count = spec.frames(waveform.shape[-1])
        if count == 0:
            return waveform.new_zeros(waveform.shape[0], 0, spec.n_mels)
        precise = torch.float32 if waveform.device.type == "mps" else torch.float64
        samples = _padded(_prepared(waveform, spec, precise), spec)
        frames = samples.unfold(-1, spec.frame_length, spec.hop_length)[:, :count]
        spectrum = torch.fft.rfft(frames * self.window.to(precise), n=spec.n_fft)
        energy: Tensor = spectrum.real.square() + spectrum.imag.square()  # (batch, frames, bins)
        energy = energy.float()
        if spec.power == 1:
            energy = energy.clamp_min(torch.finfo(torch.float32).tiny).sqrt()  # 0 has no slope
        level: Tensor = (energy @ self.filters).clamp_min(spec.log_floor) + spec.log_offset
        log = level.log() * spec.log_unit
        if spec.top_db is not None:
            range_ = spec.top_db / 10 * math.log(10) * spec.log_unit
            log = torch.maximum(log, log.amax(dim=(1, 2), keepdim=True) - range_)
        return (log - spec.mean) / spec.std


def _prepared(waveform: Tensor, spec: LogMelSpec, precise: torch.dtype) -> Tensor:
    """The samples that are cut into frames."""
    if spec.round_int16:
        waveform = (waveform.clamp(-1, 1) * 32767).trunc().to(precise) / 32767
    waveform = waveform.to(precise)
    if spec.preemphasis:
        waveform = waveform[:, 1:] - spec.preemphasis * waveform[:, :-1]
    return waveform


def _padded(samples: Tensor, spec: LogMelSpec) -> Tensor:
    """What ``center`` adds; `F.pad` reflects no further than the samples reach."""
    if not spec.center:
        return samples
    size = samples.shape[-1]
    if spec.pad_mode == "constant" or size > spec.padding:
        return F.pad(samples[:, None], (spec.padding, spec.padding), mode=spec.pad_mode)[:, 0]
    period = max(1, 2 * (size - 1))
    at = torch.arange(-spec.padding, size + spec.padding, device=samples.device) % period
    return samples[:, torch.minimum(at, period - at)]
