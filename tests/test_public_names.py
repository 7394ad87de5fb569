import subprocess
import sys
from importlib import import_module

import pytest

import tinyalm


def test_the_public_names_are_those_that_are_listed():
    assert tinyalm.__all__ == sorted(tinyalm.__all__)
    assert set(tinyalm.__all__) == set(tinyalm._HOME)
    for name, home in tinyalm._HOME.items():
        assert getattr(tinyalm, name) is getattr(import_module(home), name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tinyalm.nothing


def test_importing_tinyalm_imports_nothing_else():
    code = "import sys, tinyalm; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "onnxruntime", "click", "msgspec"} & set(done.stdout.split())
