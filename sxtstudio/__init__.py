"""SXT Studio: segment, clean, view and measure soft X-ray tomograms of whole cells."""

__version__ = "0.1.0"
