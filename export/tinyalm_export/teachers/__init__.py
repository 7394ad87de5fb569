"""Teachers themselves as ONNX: the towers of a CLAP checkpoint, proven against torch."""
