"""Settings of a process that trains on a CPU."""

import ctypes
import os
import sys

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # of glibc's malloc.h
_LARGEST, _BLOCK = 2**31 - 1, 2**28


def prepare_cpu() -> None:
    """Make this process quick at training; call it before anything is computed.

    Memory that is freed is kept, and numbers below 1e-38 count as 0: the momentum of channels that
    have died decays to such, and Muon's products of them took thirty times as long after some
    thousand steps. Threads have that setting from the one that starts them.
    """
    torch.set_flush_denormal(True)
    _keep_memory()


def _keep_memory() -> None:
    """Have this process keep the memory that it frees, in large pages.

    A training step frees and asks again for hundreds of megabytes of feature maps. By glibc's
    defaults each comes fresh from the kernel, page by page, which takes about a third of the step.
    Elsewhere than on Linux with glibc nothing is changed.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _LARGEST)
        mallopt(_TOP_PAD, _BLOCK)
