"""TensorRT engines from ONNX files, for GPUs that need not be there."""
