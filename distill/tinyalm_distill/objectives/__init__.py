"""Objectives of training: pure functions of embeddings, features and scores, each with its source.

All give a scalar, a mean over the batch, that is least where the student does what it is taught.
docs/objectives.md says when to use which.
"""

from tinyalm_distill.objectives.contrastive import (
    contrast,
    hardness_weights,
    info_nce,
    teacher_weights,
)
from tinyalm_distill.objectives.imitation import (
    cosine_distance,
    feature_cosine_distance,
    feature_squared_error,
    squared_distance,
)
from tinyalm_distill.objectives.relations import (
    affinity_mimicking,
    label_divergence,
    relational_angle,
    relational_distance,
)
from tinyalm_distill.objectives.supervised import classification, matching, tagging

__all__ = [
    "affinity_mimicking",
    "classification",
    "contrast",
    "cosine_distance",
    "feature_cosine_distance",
    "feature_squared_error",
    "hardness_weights",
    "info_nce",
    "label_divergence",
    "matching",
    "relational_angle",
    "relational_distance",
    "squared_distance",
    "tagging",
    "teacher_weights",
]
