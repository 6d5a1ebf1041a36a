"""Why a file is no table that can be read, in words of whoever saved it and not of a parser."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.wording import cut

#: What helps with most files of spreadsheet programs.
SAVE_IT = "Save it as .xlsx, or as CSV in UTF-8 with commas between columns and decimal points."
_COPY_AGAIN = "Copy it again, or save it anew in the program it comes from."

# The files of former versions, and the cover of those with a password ([MS-CFB] 2.2, [MS-OFFCRYPTO] 1.3).
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SECTORS = (9, 12)  # powers of two
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"
_PARQUET, _ENCRYPTED_PARQUET = b"PAR1", b"PARE"
_ENCRYPTED_PART = 1  # a bit of the flags


def unreadable(path: Path, error: OSError) -> str:
    """Say that the system does not let a file be read."""
    return f"{path} cannot be read: {error.strerror or error}. Check the disk and the permissions."


def why_no_xlsx(path: Path) -> str:
    """Say why a file cannot be read as XLSX."""
    name = cut(path.name)
    try:
        with open_plain(path) as file:
            begin = file.read(512)
            if not begin:
                return f"{name} is empty. Choose another table."
            if begin.startswith(_COMPOUND):
                if _has_password(file, begin):
                    return f"{name} is protected with a password. Save it without one."
                return f"{name} is in the format of Excel before 2007 (.xls). {SAVE_IT}"
            if not begin.startswith(b"PK"):
                return f"{name} is no XLSX file, whatever its name says. {SAVE_IT}"
            file.seek(0)
            return _why_no_workbook(name, file)
    except OSError as error:
        return unreadable(path, error)


def _why_no_workbook(name: str, file: BinaryIO) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = {part.filename: part for part in archive.infolist()}
            if any(part.flag_bits & _ENCRYPTED_PART for part in parts.values()):
                return f"{name} is protected with a password. Save it without one."
            if "mimetype" in parts:
                with archive.open("mimetype") as kind:
                    if kind.read(len(_OPEN_DOCUMENT)) == _OPEN_DOCUMENT:
                        return f"{name} is in the format of OpenDocument (.ods). {SAVE_IT}"
    except zipfile.BadZipFile:
        return f"{name} is not complete: its end is missing. {_COPY_AGAIN}"
    except Exception:  # whatever a damaged part brings about: the archive has a place for any of it
        return f"{name} is damaged. {_COPY_AGAIN}"
    if "xl/workbook.bin" in parts:
        return f"{name} is a binary workbook (.xlsb). {SAVE_IT}"
    if "xl/workbook.xml" not in parts:
        return f"{name} is an archive of other files, and no XLSX file. {SAVE_IT}"
    return f"{name} is damaged. {_COPY_AGAIN}"


def _has_password(file: BinaryIO, header: bytes) -> bool:
    """Whether the directory of a compound file names what is encrypted."""
    if len(header) < 512:
        return False
    (power,) = struct.unpack_from("<H", header, 30)
    (sector,) = struct.unpack_from("<I", header, 48)
    if power not in _SECTORS:
        return False
    file.seek((sector + 1) << power)
    return _ENCRYPTED in file.read(4096)


def why_no_parquet(path: Path) -> str:
    """Say why a file cannot be read as Parquet."""
    name = cut(path.name)
    try:
        with open_plain(path) as file:
            begin = file.read(4)
            size = file.seek(0, 2)
            file.seek(max(0, size - 4))
            end = file.read(4)
    except OSError as error:
        return unreadable(path, error)
    if not begin:
        return f"{name} is empty. Choose another table."
    if _ENCRYPTED_PARQUET in (begin, end):
        return f"{name} is encrypted. Save it without a key."
    if begin != _PARQUET:
        return f"{name} is no Parquet file, whatever its name says. Choose a table, or save it as CSV."
    if end != _PARQUET:
        return f"{name} is not complete: its end is missing. {_COPY_AGAIN}"
    return f"{name} is damaged. {_COPY_AGAIN}"
