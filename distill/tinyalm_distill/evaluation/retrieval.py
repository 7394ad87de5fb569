"""Retrieval of clips by captions and of captions by clips."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.evaluation.bootstrap import Statistic
from tinyalm_distill.evaluation.embedders import Embedder
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.metrics import average_precision_at, mean, ranks, recall_at, share
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip

_DEPTHS = (1, 5, 10)


def retrieval(embedder: Embedder, clips: Sequence[Clip]) -> Measurement:
    """R@1, R@5, R@10 and mAP@10 both ways, over all clips and captions (survey Table VII).

    From text to audio each caption is a query for its one clip; from audio to text each clip is a
    query for any of its captions. Intervals are over clips, with their captions; the candidates
    stay all there are.

    Raises:
        DataError: no clip has a caption, or none can be used.
    """
    clips = [clip for clip in clips if clip.captions]
    if not clips:
        raise DataError("the manifest has no captions (column 'caption'), and retrieval needs them")
    heard = hear(embedder, [Whole(clip) for clip in clips])
    captions = [clips[number].captions for number in heard.used]
    texts = embedder.embed_text([caption for several in captions for caption in several])
    owner = np.repeat(np.arange(len(captions)), [len(several) for several in captions])
    statistics = both_ways(heard.rows @ texts.T, owner)
    return Measurement(
        measure="retrieval",
        model=embedder.name,
        clips=heard.used,
        statistics=statistics,
        retained=list(statistics),
        embeddings=heard.rows,
        facts={"captions": len(owner)},
        skipped=heard.skipped,
    )


def both_ways(similarity: NDArray[np.float32], owner: NDArray[np.int64]) -> dict[str, Statistic]:
    """The statistics of retrieval.

    Args:
        similarity: (clips, captions).
        owner: (captions,) the clip that each caption describes; every clip has one at least.
    """
    clips = len(similarity)
    relevant = owner[None, :] == np.arange(clips)[:, None]
    asked = ranks(similarity.T, relevant.T)
    sounds = ranks(similarity, relevant)

    def per_clip(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(owner, values, minlength=clips), np.float64)

    texts = per_clip(np.ones(len(owner)))
    return {
        **{f"text-to-audio R@{k}": share(per_clip(recall_at(asked, k)), texts) for k in _DEPTHS},
        "text-to-audio mAP@10": share(per_clip(average_precision_at(asked, 10)), texts),
        **{f"audio-to-text R@{k}": mean(recall_at(sounds, k)) for k in _DEPTHS},
        "audio-to-text mAP@10": mean(average_precision_at(sounds, 10)),
    }
