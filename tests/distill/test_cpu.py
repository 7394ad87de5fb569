"""What `prepare_cpu` changes, each in a process of its own: it is there for good."""

import subprocess
import sys

import pytest

MEMORY = """
import resource, sys
from tinyalm_distill.cpu import prepare_cpu
if sys.argv[1] == "prepared":
    prepare_cpu()
import torch
def step():
    return sum(float((torch.ones(1 << 24) * number).sum()) for number in range(3))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
DENORMALS = """
import sys, torch
from tinyalm_distill.cpu import prepare_cpu
if sys.argv[1] == "prepared":
    prepare_cpu()
torch.set_num_threads(2)
print(int((torch.full((1 << 22,), 1e-30) * 1e-10).count_nonzero()))
"""


def said(script: str, mode: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", script, mode], text=True))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept on Linux")
def test_memory_is_kept_from_step_to_step() -> None:
    """Pages that the second of two equal steps takes fresh from the kernel: few, not all."""
    assert said(MEMORY, "prepared") < said(MEMORY, "as it is") / 10


def test_denormals_are_zero_on_every_thread() -> None:
    assert said(DENORMALS, "as it is") == 1 << 22
    assert said(DENORMALS, "prepared") == 0
