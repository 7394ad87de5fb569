"""A front end ready to be executed: its numbers and tables as bytes (docs/front-end.md).

This is what a device reads, so that mel scales and windows are computed once, where a model is
made. The native kernel, the C interface and the browser execute these bytes; a bundle holds them
as a file and an ONNX model as metadata.
"""

import math
import struct
from functools import lru_cache

import numpy as np

from tinyalm.frontend.spec import LogMelSpec
from tinyalm.frontend.tables import mel_bands, window

MAGIC, VERSION = b"LOGMEL\r\n", 1
_PADDING = {"reflect": 1, "constant": 2}


@lru_cache(maxsize=32)
def program(spec: LogMelSpec) -> bytes:
    """The front end as the native kernel takes it.

    Returns:
        Little-endian values: the header that docs/front-end.md lists, the window (float64), first
        bin and number of weights of every band (uint32), the weights of all bands (float32).
    """
    bands = mel_bands(spec)
    weights = np.array([weight for band in bands for weight in band.weights], "<f4")
    extents = np.array([(band.first_bin, len(band.weights)) for band in bands], "<u4")
    per_unit = spec.log_unit / spec.std  # normalised log-mel for one in the natural logarithm
    top = 0.0 if spec.top_db is None else spec.top_db * math.log(10) / 10
    header = struct.pack(
        "<12I6d",
        spec.sample_rate,
        spec.n_fft,
        spec.frame_length,
        spec.hop_length,
        spec.window_start,
        spec.win_length,
        _PADDING[spec.pad_mode] if spec.center else 0,
        spec.drop_last,
        spec.round_int16,
        spec.power,
        spec.n_mels,
        weights.size,
        spec.preemphasis,
        spec.log_offset,
        spec.log_floor,
        per_unit,
        -spec.mean / spec.std,
        top * per_unit,
    )
    body = header + window(spec).astype("<f8").tobytes() + extents.tobytes() + weights.tobytes()
    return MAGIC + struct.pack("<2I", VERSION, len(MAGIC) + 8 + len(body)) + body
