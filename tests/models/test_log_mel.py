import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front_ends import excess, signals, specs
from tinyalm.frontend import PRESETS
from tinyalm.models.log_mel import LogMel


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_torch_equals_the_reference(data):
    spec = data.draw(specs())
    waveform = data.draw(signals(spec))
    batch = torch.from_numpy(np.stack([waveform, waveform[::-1]]))
    found = LogMel(spec)(batch).numpy()
    assert excess(found[0], waveform, spec) <= 1
    assert excess(found[1], waveform[::-1], spec) <= 1


@pytest.mark.parametrize("name", PRESETS)
def test_loud_noise_is_exact_in_every_preset(name):
    spec = PRESETS[name]
    waveform = np.random.default_rng(0).normal(0, 0.3, 20001).astype(np.float32)
    found = LogMel(spec)(torch.from_numpy(waveform)[None])[0].numpy()
    assert excess(found, waveform, spec) <= 1


def test_its_tables_are_not_saved_with_the_weights():
    module = LogMel(PRESETS["edge-16k"])
    assert not module.state_dict()
    assert not list(module.parameters())


def test_gradients_reach_the_waveform():
    waveform = torch.full((1, 800), 0.1, requires_grad=True)
    LogMel(PRESETS["edge-16k"])(waveform).sum().backward()
    assert waveform.grad is not None
    assert torch.isfinite(waveform.grad).all()
