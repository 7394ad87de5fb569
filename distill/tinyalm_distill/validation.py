"""How close a student is to its teacher on clips that neither step nor choice has touched."""

import numpy as np
import torch
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec
from tinyalm.models.audio import AudioEncoder
from tinyalm.results import unit_length
from tinyalm.windows import WindowRule
from tinyalm_distill.front_end import front_end_of
from tinyalm_distill.recipe import ViewsConfig
from tinyalm_distill.recordings import Recordings
from tinyalm_distill.views import Views, cut_windows

_BATCH = 64


class Validation:
    """Validation clips, cut as on the device, and the teacher's embeddings of them whole."""

    def __init__(
        self,
        recordings: Recordings,
        rule: WindowRule,
        spec: LogMelSpec,
        targets: NDArray[np.float32],
    ) -> None:
        """Cut the clips of ``recordings`` into windows.

        Args:
            recordings: the clips.
            rule: how the device cuts them.
            spec: the student's front end.
            targets: (clips, dim), see `TeacherCache.teach_clips`.
        """
        self.recordings, self.targets = recordings, targets
        windows = cut_windows(recordings, rule)
        self._views = Views(recordings, windows, ViewsConfig(views=1), seed=0)
        self._front_end = front_end_of(spec)

    def embeddings(self, student: AudioEncoder) -> NDArray[np.float32]:
        """The student's clip embeddings, (clips, dim) of unit length: normalised window means."""
        device = next(student.parameters()).device
        lengths = np.array([w.length for w in self._views.windows])
        sums = np.zeros_like(self.targets)
        student.eval()
        for length in np.unique(lengths):
            numbers = np.flatnonzero(lengths == length)
            for start in range(0, len(numbers), _BATCH):
                chosen = numbers[start : start + _BATCH]
                mels = np.stack([self._front_end(self._views.waveform(int(n))) for n in chosen])
                with torch.inference_mode():
                    rows = student(torch.from_numpy(mels).to(device)).cpu().numpy()
                np.add.at(sums, [self._views.windows[n].clip for n in chosen], rows)
        return unit_length(sums)

    def cosine(self, student: AudioEncoder) -> float:
        """Mean cosine between the student's and the teacher's clip embeddings."""
        return float((self.embeddings(student) * self.targets).sum(axis=1).mean())

    def windows(self, count: int) -> list[NDArray[np.float32]]:
        """Up to ``count`` windows, evenly spread over the clips, each (samples,) float32."""
        total = len(self._views)
        chosen = np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))
        return [self._views.waveform(int(number)) for number in chosen]
