"""YAMNet as torch modules, for students to inherit from."""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import YAMNET
from tinyalm_distill.teachers.yamnet import float_model


def read_body(folder: Path) -> SeparableBody:
    """YAMNet's body with its weights, in evaluation mode.

    Its maps, averaged over time and frequency, are the 1024 features that the classifier reads.

    Args:
        folder: of the pulled asset, with ``model.onnx``.
    """
    graph = float_model(onnx.load(folder / "model.onnx")).graph
    tensors = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    given = [[tensors[name] for name in n.input[1:]] for n in graph.node if n.op_type == "Conv"]
    body = SeparableBody(YAMNET).eval()
    convs = [layer for layer in body.modules() if isinstance(layer, nn.Conv2d)]
    for conv, (weight, bias) in zip(convs, given, strict=True):
        conv.load_state_dict({"weight": weight, "bias": bias})
    return body
