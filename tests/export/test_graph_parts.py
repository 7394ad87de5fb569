import logging
import warnings

import numpy as np
import torch
from torch import nn

from tests.export.students import random_student
from tinyalm_export.graphs import file_content, stamp, text_graph
from tinyalm_export.quantize import int8_rows
from tinyalm_export.torch_graph import fold_batchnorm


@torch.no_grad()
def test_folding_batchnorm_changes_nothing():
    encoder = random_student().audio.encoder
    before = {name: values.clone() for name, values in encoder.state_dict().items()}
    folded = fold_batchnorm(encoder)
    assert not [layer for layer in folded.modules() if isinstance(layer, nn.BatchNorm2d)]
    log_mel = torch.randn(2, 97, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(folded(log_mel), encoder(log_mel), rtol=1e-5, atol=1e-6)
    for name, values in encoder.state_dict().items():
        assert torch.equal(values, before[name])


def test_rows_keep_their_own_scale():
    weights = np.array([[1.0, -0.5], [1e-3, 0.0], [0.0, 0.0]], np.float32)
    values, scales = int8_rows(weights)
    assert values.dtype == np.int8
    assert values.tolist() == [[127, -64], [127, 0], [0, 0]]
    np.testing.assert_allclose(values * scales[:, None], weights, atol=0.5 * scales.max())
    assert scales[2] == 1


def test_an_export_is_quiet_repeatable_and_leaves_no_settings_behind(fp32, capfd):
    level, filters = logging.getLogger("torch.onnx").level, list(warnings.filters)
    content = file_content(stamp(text_graph(random_student().text)))
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.onnx").level == level
    assert warnings.filters == filters
    assert content == (fp32 / "text.onnx").read_bytes()
