"""What one batch of lessons says to the student: the recipe's objectives, weighed and summed."""

import torch
from msgspec import Struct
from torch import Tensor, nn

from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder
from tinyalm_distill.momentum_queue import MomentumQueue
from tinyalm_distill.objectives import (
    contrast,
    cosine_distance,
    label_divergence,
    relational_angle,
    relational_distance,
    tagging,
)
from tinyalm_distill.quantization_aware import rounded
from tinyalm_distill.recipe import OBJECTIVES, Objectives
from tinyalm_distill.teachers import Answers


class Batch(Struct, frozen=True):
    """Some views and what the teacher said of them.

    Attributes:
        log_mel: (batch, frames, n_mels) float32.
        embeddings: (batch, dim) float32 of unit length.
        features: (batch, features) float32, or None.
        probabilities: (batch, labels) float32, or None.
        clips: (batch,) int64, the recording of each view.
    """

    log_mel: Tensor
    embeddings: Tensor
    features: Tensor | None
    probabilities: Tensor | None
    clips: Tensor


class Teaching(nn.Module):
    """A student with what it needs for training alone, which is left behind afterwards.

    Attributes:
        student: the encoder that is taught.
        project: its features to the teacher's, None where neither features nor classes are taught.
        classify: those to the teacher's classes, None where they are not taught.
        queue: embeddings of earlier batches, None without ``contrast``.
        rounds: whether the student computes as its int8 graph will.
        bank: (labels, dim), the teacher's label embeddings.
    """

    bank: Tensor

    def __init__(
        self, student: AudioEncoder, objectives: Objectives, answers: Answers, bank: Tensor
    ) -> None:
        """Set up for a teacher that answers like ``answers``.

        Args:
            student: the encoder.
            objectives: weights.
            answers: all of the teacher's, or some: what there is, and how wide.
            bank: (labels, dim) label embeddings of the teacher.

        Raises:
            ConfigError: an objective needs what the teacher does not say.
        """
        super().__init__()
        self.student, self.objectives, self.rounds = student, objectives, False
        self.register_buffer("bank", bank, persistent=False)
        self.project: nn.Linear | None = None
        self.classify: nn.Linear | None = None
        if objectives.features or objectives.classes:
            if answers.features is None:
                raise ConfigError("objectives: this teacher shows no features; set features to 0")
            width = answers.features.shape[1]
            self.project = nn.Linear(student.config.body.features, width)
            if student.config.body.features == width:  # inherited: they are the teacher's already
                nn.init.eye_(self.project.weight)
                nn.init.zeros_(self.project.bias)
            if objectives.classes:
                if answers.probabilities is None:
                    raise ConfigError("objectives: this teacher has no classes; set classes to 0")
                self.classify = nn.Linear(width, answers.probabilities.shape[1])
        self.queue = (
            MomentumQueue(objectives.queue, {"teacher": bank.shape[1]})
            if objectives.contrast
            else None
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The unweighted loss of every objective whose weight is above 0, and ``total``."""
        weights = self.objectives
        if self.rounds:
            features, embedding = rounded(self.student, batch.log_mel)
        else:
            features = self.student.features(batch.log_mel)
            embedding = self.student.head(features)
        losses: dict[str, Tensor] = {}
        if weights.embedding:
            losses["embedding"] = cosine_distance(embedding, batch.embeddings)
        if self.project is not None and batch.features is not None:
            projected = self.project(features)
            if weights.features:
                losses["features"] = cosine_distance(projected, batch.features)
            if self.classify is not None and batch.probabilities is not None:
                losses["classes"] = tagging(self.classify(projected), batch.probabilities)
        if weights.relations:
            pair = embedding, batch.embeddings
            losses["relations"] = relational_distance(*pair) + 2 * relational_angle(*pair)
        if weights.labels:
            losses["labels"] = label_divergence(
                embedding, batch.embeddings, self.bank, temperature=weights.temperature
            )
        if self.queue is not None:
            losses["contrast"] = self._contrast(embedding, batch, self.queue)
        losses["total"] = sum(
            (getattr(weights, name) * losses[name] for name in OBJECTIVES if name in losses),
            torch.zeros((), device=embedding.device),
        )
        return losses

    def _contrast(self, embedding: Tensor, batch: Batch, queue: MomentumQueue) -> Tensor:
        """Against the teacher's embeddings of earlier batches, which need no momentum encoder."""
        if not len(queue):
            queue.enqueue({"teacher": batch.embeddings}, batch.clips)
            return embedding.sum() * 0
        loss = contrast(
            (embedding * batch.embeddings).sum(dim=1),
            embedding @ queue.keys("teacher").T.clone(),
            temperature=self.objectives.temperature,
            weights=queue.others(batch.clips),
        )
        queue.enqueue({"teacher": batch.embeddings}, batch.clips)
        return loss
