"""SXT Studio: segment, clean, view and measure soft X-ray tomograms of whole cells."""

import os

__version__ = "0.1.0"

# ONNX Runtime (from 1.29 on) reports on its use over the network unless this is set before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
