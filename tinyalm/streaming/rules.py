"""What makes an event out of scores: thresholds and times, for all labels or for one."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError

OFF_FRACTION = 0.8  # of the threshold that starts an event: the one that ends it, by default
DEFAULT_ON = (
    0.5  # of a label without a threshold of its own: even odds, where scores are calibrated
)
_SECONDS = ("min_duration_s", "min_gap_s", "refractory_s", "smoothing_s")


class Hysteresis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a label's event starts and ends. None stands for the default.

    Attributes:
        on: score in (0, 1] from which on an event starts; by default the label's own threshold
            where it has one, else 0.5.
        off: score in [0, on] below which it ends; by default 0.8 of ``on``.
        min_duration_s: seconds; shorter events are dropped. By default 0.
        min_gap_s: seconds; events with less between them are one. By default 0.
        refractory_s: seconds after an event in which the label starts no other. By default 0.
        smoothing_s: seconds, the time constant of the exponential mean of the scores that the
            thresholds are compared with. By default 0, the scores themselves.

    Raises:
        ConfigError: a number outside its range, or ``off`` above ``on``.
    """

    on: float | None = None
    off: float | None = None
    min_duration_s: float | None = None
    min_gap_s: float | None = None
    refractory_s: float | None = None
    smoothing_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no score or time can meet."""
        if self.on is not None and not 0 < self.on <= 1:
            raise ConfigError(f"on is {self.on:g}; a score to start at is above 0 and at most 1")
        if self.off is not None and not 0 <= self.off <= 1:
            raise ConfigError(f"off is {self.off:g}; a score to end below is from 0 to 1")
        if self.on is not None and self.off is not None and self.off > self.on:
            raise ConfigError(f"off {self.off:g} is above on {self.on:g}; make it at most that")
        for name in _SECONDS:
            seconds = getattr(self, name)
            if seconds is not None and not 0 <= seconds < math.inf:
                raise ConfigError(f"{name} is {seconds:g}; it is in seconds and at least 0")


class EventRule(Hysteresis, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule of every label, and where some differ, of those.

    Attributes:
        labels: by label, what differs from the rule of all; one that sets ``on`` takes over no
            ``off`` from it.
    """

    labels: dict[str, Hysteresis] = {}


class Limits(NamedTuple):
    """A rule as arrays over n labels: float64, and samples as int64.

    Attributes:
        on: scores.
        off: scores.
        min_duration: samples.
        min_gap: samples.
        refractory: samples.
        smoothing: samples, float64.
    """

    on: NDArray[np.float64]
    off: NDArray[np.float64]
    min_duration: NDArray[np.int64]
    min_gap: NDArray[np.int64]
    refractory: NDArray[np.int64]
    smoothing: NDArray[np.float64]


def limits(
    rule: EventRule, labels: Sequence[str], thresholds: NDArray[np.float64], sample_rate: int
) -> Limits:
    """A rule in the numbers that scores and samples are compared with.

    Args:
        rule: of all labels.
        labels: n of them.
        thresholds: (n,) scores, the labels' own; NaN where a label has none.
        sample_rate: Hz.

    Raises:
        ConfigError: the rule names a label that is not asked, or its ``off`` is above a label's
            own threshold.
    """
    unknown = sorted(set(rule.labels) - set(labels))
    if unknown:
        raise ConfigError(f"the rule names {unknown[0]!r}, which is none of the labels asked")
    own = np.where(np.isnan(thresholds), DEFAULT_ON, thresholds).tolist()
    pairs = [_on_off(rule, label, value) for label, value in zip(labels, own, strict=True)]
    on, off = np.array(pairs, np.float64).reshape(-1, 2).T
    times = [[_seconds(rule, label, name) for label in labels] for name in _SECONDS]
    samples = np.array(times, np.float64).reshape(len(_SECONDS), -1) * sample_rate
    whole = np.rint(samples).astype(np.int64)
    return Limits(on, off, whole[0], whole[1], whole[2], samples[3])


def read_rule(path: Path) -> EventRule:
    """A rule from a JSON file with the fields of `EventRule`.

    Raises:
        ConfigError: it cannot be read, is no such JSON, or makes no sense; the message names it.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=EventRule)
    except OSError as error:
        raise ConfigError(f"{path}: the rule cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not a rule for events ({error}); see docs/streaming.md"
        ) from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _on_off(rule: EventRule, label: str, threshold: float) -> tuple[float, float]:
    own = rule.labels.get(label, Hysteresis())
    on = own.on if own.on is not None else rule.on if rule.on is not None else threshold
    off = own.off if own.off is not None or own.on is not None else rule.off
    if off is not None and off > on:
        raise ConfigError(f"off {off:g} is above {on:g}, where {label!r} starts; make it lower")
    return on, OFF_FRACTION * on if off is None else off


def _seconds(rule: EventRule, label: str, name: str) -> float:
    own = getattr(rule.labels.get(label), name, None)
    value = own if own is not None else getattr(rule, name)
    return 0.0 if value is None else value
