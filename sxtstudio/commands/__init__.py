"""The command line's rooms: one module per command, and what they share.

Importing them is quick: whatever needs numpy, ONNX Runtime or VTK is imported when a command runs.
"""
