"""The reference against what the publishers' own code made (tests/golden)."""

from pathlib import Path

import numpy as np
import pytest

from tests.golden.front_end_cases import Case
from tinyalm.frontend import PRESETS, log_mel, mel_filters, with_mel_filters

EXACT = 1e-3  # dB of level


def read(file):
    with np.load(file) as golden:
        return dict(golden)


PEERS = {
    file.stem: read(file)
    for file in sorted((Path(__file__).parent.parent / "golden").glob("*.npz"))
}
NAMES = [(peer, name) for peer, golden in PEERS.items() for name in golden if name != "made_with"]
LOG_MELS = [(peer, name) for peer, name in NAMES if "/" in name]
BANKS = [(peer, name) for peer, name in NAMES if "/" not in name]


def decibels(found, made, spec):
    """Largest difference of two log-mels, as dB of level."""
    assert found.shape == made.shape
    return np.abs(found - made).max() * spec.std / spec.log_unit * 10 / np.log(10)


@pytest.mark.parametrize(("peer", "name"), LOG_MELS)
def test_a_front_end_equals_its_peer(peer, name):
    case = Case.parsed(name)
    found = log_mel(case.heard(), case.spec)
    assert decibels(found, PEERS[peer][name], case.spec) <= EXACT


@pytest.mark.parametrize(("peer", "preset"), BANKS)
def test_a_filter_bank_equals_its_peer(peer, preset):
    made = PEERS[peer][preset]
    # EfficientAT's are computed from mels in float32, and mels go up to 3000.
    assert np.abs(mel_filters(PRESETS[preset]) - made).max() <= 2e-5 * made.max()


@pytest.mark.parametrize(("peer", "preset"), BANKS)
def test_a_filter_bank_of_a_checkpoint_gives_the_peers_log_mel(peer, preset):
    spec = with_mel_filters(PRESETS[preset], PEERS[peer][preset])
    cases = [name for name in PEERS[peer] if name.startswith(f"{preset}/")]
    assert cases
    for name in cases:
        found = log_mel(Case.parsed(name).heard(), spec)
        assert decibels(found, PEERS[peer][name], spec) <= EXACT


def test_every_published_front_end_has_a_golden():
    assert {Case.parsed(name).front_end for _, name in LOG_MELS} >= set(PRESETS)


def test_every_golden_says_what_made_it():
    for golden in PEERS.values():
        assert all(len(line.split()) == 2 for line in golden["made_with"])
