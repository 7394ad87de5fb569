"""Sounds that Python and TypeScript make alike (`sounds.ts`), so that none need be kept."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def sound(pieces: list[list[Any]], rate: int) -> Samples:
    """Pieces one after the other: [kind, seconds, a, b] each; (samples,) float32."""
    made = [_piece(kind, seconds, float(a), float(b), rate) for kind, seconds, a, b in pieces]
    return np.concatenate(made).astype(np.float32)


def _piece(kind: str, seconds: float, a: float, b: float, rate: int) -> NDArray[np.float64]:
    count = math.floor(seconds * rate + 0.5)
    t = np.arange(count) / rate
    if kind == "tone":  # at a Hz, on and off b times a second
        return 0.4 * np.sin(2 * np.pi * a * t) * (np.floor(t * b) % 2 == 0)
    if kind == "chirp":  # from a to b Hz
        return 0.4 * np.sin(2 * np.pi * (a * t + (b - a) * t * t / (2 * seconds)))
    if kind == "noise":  # of seed a and level b
        return b * _random(int(a), count)
    if kind == "bursts":  # of noise, b a second
        return 0.8 * _random(int(a), count) * np.exp(-12 * (t * b - np.floor(t * b)))
    raise ValueError(kind)


def _random(seed: int, count: int) -> NDArray[np.float64]:
    """Numbers in [-1, 1) of a linear congruential generator (Numerical Recipes)."""
    values = np.empty(count)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state / 2**31 - 1
    return values
