"""LAC calibration."""
