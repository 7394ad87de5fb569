"""Sounds with sentences: clips that people, or a large audio-language model, have captioned."""

from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.captioning.texts import usable
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.progress import bar
from tinyalm_distill.recordings import decode
from tinyalm_distill.teacher_cache import teach_clips
from tinyalm_distill.teachers import AudioTextTeacher


class Pairs(Struct, frozen=True):
    """Sentences, and what they were said of.

    Attributes:
        texts: n sentences, tidied.
        embeddings: (n, dim) float32, the teacher's of the sounds.
        licences: of the clips, each once.
    """

    texts: list[str]
    embeddings: NDArray[np.float32]
    licences: list[str]


def read_pairs(
    manifests: Sequence[str],
    teacher: AudioTextTeacher,
    cache: Path,
    *,
    leave_out: Container[str],
) -> Pairs:
    """Let the teacher hear the captioned clips of ``manifests``.

    To learn what a large audio-language model said of them is sequence-level distillation
    (Kim and Rush 2016, arXiv:1606.07947, section 3.2).

    Args:
        manifests: read by `tinyalm_distill.manifest.read_clips`.
        teacher: hears whole clips.
        cache: folder of all caches.
        leave_out: sentences that must not be learned.

    Raises:
        DataError: a manifest without captions, or one of which no clip can be used.
    """
    clips = [clip for name in manifests for clip in read_clips(name) if clip.captions]
    if not clips:
        if manifests:
            raise DataError(
                f"{', '.join(manifests)}: no clip has captions; give manifests with a column "
                "caption, or those of `tinyalm distill describe`"
            )
        return Pairs([], np.zeros((0, teacher.dim), np.float32), [])
    with bar("decoding captioned clips") as progress:
        recordings = decode(clips, teacher.sample_rate, cache, progress=progress)
    with bar("teacher hears captioned clips") as progress:
        heard = teach_clips(teacher, recordings, cache, progress=progress)
    said = [
        (text, number)
        for number, clip in enumerate(recordings.clips)
        for text in usable(clip.captions)
        if text not in leave_out
    ]
    return Pairs(
        [text for text, _ in said],
        heard[[number for _, number in said]],
        sorted({clip.licence for clip in recordings.clips if clip.licence}),
    )
