"""The ways to quantize an encoder that the search tries: data, in the order of preference."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Candidate:
    """One way to quantize.

    Attributes:
        name: in tables.
        ranges: how an activation's range is found on the calibration sound: from its smallest to
            its largest value, without the outermost share of values, or where the entropy between
            rounded and exact values is least (all three are ONNX Runtime's calibrators).
        percentile: the share of values within the range, percent, where ``ranges`` asks for one.
        equalized: channels are evened out first, see `tinyalm_export.equalization`.
        quantizer: ``nncf`` has ranges and places of its own (extra ``nncf``).
    """

    name: str
    ranges: Literal["minmax", "percentile", "entropy"] = "minmax"
    percentile: float = 99.99
    equalized: bool = True
    quantizer: Literal["onnxruntime", "nncf"] = "onnxruntime"


CANDIDATES = (
    Candidate("min-max"),  # what an export without a budget takes
    Candidate("percentile 99.99", ranges="percentile"),
    Candidate("percentile 99.9", ranges="percentile", percentile=99.9),
    Candidate("entropy", ranges="entropy"),
    Candidate("min-max, channels as they are", equalized=False),
    Candidate("nncf", quantizer="nncf"),
)
