"""Streams that cost next to nothing: three labels, each the loudness of a third of a window."""

import numpy as np

from tinyalm.labels import LabelEmbeddings
from tinyalm.streaming import EventRule, Session
from tinyalm.streaming.scores import WindowScorer
from tinyalm.windows import WindowRule

RATE = 1000
WINDOWS = WindowRule(length_s=0.2, hop_s=0.1, grid_s=0.05, min_s=0.1)
LABELS = ["first", "second", "third"]


def encode(window):
    """The mean size of the samples in each third."""
    return np.array([np.abs(part).mean() for part in np.array_split(window, 3)], np.float32)


def session(rule=None, **options):
    asked = LabelEmbeddings(LABELS, "{}", np.eye(3, dtype=np.float32))
    scorer = WindowScorer(asked, None, ())
    hears = options.pop("encode", encode)
    return Session(hears, scorer, WINDOWS, RATE, rule or EventRule(on=0.4), **options)


def bursts(seconds, seed=0):
    """Noise that comes and goes, (samples,) float32."""
    draw = np.random.default_rng(seed)
    loud = np.repeat(draw.uniform(0, 1, round(seconds / 0.05)), round(0.05 * RATE))
    return (loud * draw.choice([-1, 1], loud.size)).astype(np.float32)


def heard(pieces, rule=None, **options):
    """Events and counts of pieces pushed in turn."""
    with session(rule, **options) as one:
        events = [event for piece in pieces for event in one.push(piece)]
        return events + one.flush(), one.counts
