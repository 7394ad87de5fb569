"""No library that tinyalm stands on reports to anybody."""

import os
from importlib import import_module
from typing import Any

_SWITCH = "ORT_DISABLE_TELEMETRY"


def import_onnxruntime() -> Any:  # noqa: ANN401 - a module without types
    """The module ``onnxruntime``, imported so that it reports to nobody.

    From version 1.29 its wheels write a device identifier under ``~/.cache/Microsoft`` and send
    usage to their maker, unless this variable is set while the library initialises, which it does
    once in a process. The caller's environment is left as it was.
    """
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1"
    try:
        module = import_module("onnxruntime")
    finally:
        if before is None:
            del os.environ[_SWITCH]
        else:
            os.environ[_SWITCH] = before
    # Where the application had imported it before us, at least nothing further is sent.
    module.disable_telemetry_events()
    return module
