"""How large the file of a network may be, before anything of it is read."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.wording import bytes_text

#: The published network has 306 MB. To judge a file takes three times its size: here 1.9 GB.
LARGEST_MODEL_BYTES = 640_000_000


def read_model_bytes(path: Path) -> bytes:
    """Return the content of an .onnx file.

    Raises
    ------
    UserError
        If it cannot be read, or is empty, a folder, or larger than any network for slices.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or not size:
            state = (
                "is empty" if path.is_file() else "is a folder" if path.is_dir() else "is a pipe or device"
            )
            raise UserError(f"{path} {state}, so it is not a model: choose an .onnx file.")
        check_model_bytes(path, size)
        return read_plain(path, LARGEST_MODEL_BYTES)
    except OSError as error:
        raise UserError(f"The model {path} cannot be read ({error.strerror}): check the file.") from error


def check_model_bytes(path: Path, size: int) -> None:
    """Refuse a model that has so many bytes, with what it keeps in other files.

    Raises
    ------
    UserError
        If these are more than any network for slices has.
    """
    if size > LARGEST_MODEL_BYTES:
        raise UserError(
            f"{path} has {bytes_text(size)}, and networks for slices have less than "
            f"{bytes_text(LARGEST_MODEL_BYTES)}: choose another .onnx file, or store its weights as float16."
        )
