"""The shared library of the native log-mel kernel: runtimes/native/include/tinyalm_logmel.h."""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

from tinyalm.errors import MissingExtraError

LIBRARY = Path(__file__).with_name("_logmel.so")
LEVELS = {"portable": 1, "avx2": 2, "avx512": 3, "neon": 4}  # tinyalm_level
_ABI = 1
TYPES = {"float32": 0, "int16": 1, "int8": 2, "uint8": 3}  # tinyalm_type

_size, _handle = ctypes.c_size_t, ctypes.c_void_p
_data, _int = ctypes.c_void_p, ctypes.c_int32
_frames = ctypes.POINTER(_size)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "abi": (_int, []),
    "has_level": (_int, [_int]),
    "create": (_int, [_data, _size, _int, ctypes.POINTER(_handle), ctypes.c_char_p, _size]),
    "destroy": (None, [_handle]),
    "last_error": (ctypes.c_char_p, [_handle]),
    "describe": (_int, [_handle, _data]),
    "set_output": (_int, [_handle, _int, ctypes.c_float, _int]),
    "frames": (_size, [_handle, _size]),
    "run": (_int, [_handle, _data, _int, _size, _data, _size, _frames]),
    "ready": (_size, [_handle, _size, _int]),
    "push": (_int, [_handle, _data, _int, _size, _int, _data, _size, _frames]),
    "rest": (_size, [_handle]),
    "flush": (_int, [_handle, _data, _size, _frames]),
    "reset": (_int, [_handle]),
}


class Info(ctypes.Structure):
    """tinyalm_logmel_info."""

    _fields_ = [
        (name, _int)
        for name in (
            "sample_rate",
            "n_mels",
            "hop_length",
            "frame_length",
            "level",
            "tile",
            "streamable",
        )
    ]


@cache
def library() -> Any:  # noqa: ANN401 - ctypes gives functions no types
    """The library, loaded once, with the types of its functions.

    Raises:
        MissingExtraError: it is not in this installation, or not for this machine or tinyalm.
    """
    if not LIBRARY.is_file():
        raise MissingExtraError(
            "the native log-mel kernel is not in this installation; install tinyalm where a C++17 "
            "compiler is (the graph serves without it)"
        )
    try:
        c = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        raise MissingExtraError(
            f"{LIBRARY}: cannot be loaded ({error}); install tinyalm again on this machine"
        ) from None
    # Before all else: another tinyalm's library may lack functions.
    if getattr(c, "tinyalm_logmel_abi", lambda: 0)() != _ABI:
        raise MissingExtraError(f"{LIBRARY}: built for another tinyalm; install tinyalm again")
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(c, f"tinyalm_logmel_{name}")
        function.restype, function.argtypes = result, arguments
    return c


def levels() -> tuple[str, ...]:
    """Levels of the kernel that run on this processor, the best last.

    Raises:
        MissingExtraError: the kernel is not installed.
    """
    c = library()
    return tuple(name for name, level in LEVELS.items() if c.tinyalm_logmel_has_level(level))
