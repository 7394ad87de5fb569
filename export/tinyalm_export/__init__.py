"""Export: ONNX graphs, quantization, parity and bundles."""
