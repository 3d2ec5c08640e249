"""Checkpoints as other tools load them: an ONNX file, or the state dict of the project that the architecture comes from."""
