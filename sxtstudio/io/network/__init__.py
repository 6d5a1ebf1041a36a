"""The published network in files: its layers, Keras' weight files, and ONNX."""
