"""Inference: the only place that knows onnxruntime."""
