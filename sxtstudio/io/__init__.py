"""Files: every format of tomogram in, labels and volumes out."""

from sxtstudio.io.export import ExportReceipt, export_volume
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.opening import open_labels, open_volume

__all__ = ["ExportReceipt", "FileVolume", "export_volume", "open_labels", "open_volume"]
