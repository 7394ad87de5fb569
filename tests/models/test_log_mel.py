import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front_ends import EXACT, KINDS, error, signal, signals, specs
from tinyalm.frontend import PRESETS
from tinyalm.models.log_mel import LogMel


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_torch_equals_the_reference(data):
    spec = data.draw(specs())
    waveform = data.draw(signals(spec))
    found = LogMel(spec)(torch.from_numpy(np.stack([waveform, waveform[::-1]]))).numpy()
    assert error(found[0], waveform, spec) <= EXACT
    assert error(found[1], waveform[::-1], spec) <= EXACT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PRESETS)
def test_torch_equals_the_reference_in_every_preset(name, kind):
    spec = PRESETS[name]
    for size in (1, 200, spec.sample_rate // 2 + 1):
        waveform = signal(kind, size)
        found = LogMel(spec)(torch.from_numpy(waveform)[None])[0].numpy()
        assert error(found, waveform, spec) <= EXACT


def test_its_tables_are_not_saved_with_the_weights():
    module = LogMel(PRESETS["edge-16k"])
    assert not module.state_dict()
    assert not list(module.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_gradients_reach_the_waveform_and_are_finite_in_silence_too(name):
    spec = PRESETS[name]
    waveform = torch.from_numpy(signal("impulse", 2 * spec.sample_rate // 10))[None]
    waveform.requires_grad_()
    LogMel(spec)(waveform).sum().backward()
    assert waveform.grad is not None
    assert torch.isfinite(waveform.grad).all()
    assert waveform.grad.any()
