"""What Windows shows of the program under Properties > Details, as PyInstaller reads it."""

from __future__ import annotations

from pathlib import Path

from make_setup import four_numbers

# The numbers are Windows' own: English, Unicode, a program, for Windows NT.
_TEXT = """\
VSVersionInfo(
  ffi=FixedFileInfo(
    filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0,
    date=(0, 0)
  ),
  kids=[
    StringFileInfo([StringTable("040904B0", [
      {strings}
    ])]),
    VarFileInfo([VarStruct("Translation", [0x0409, 1200])]),
  ],
)
"""


def version_resource(version: str, program: str) -> str:
    """Return the text of the resource for a program such as "sxtstudio.exe".

    Raises
    ------
    ValueError
        If the version is none for Windows.
    """
    strings = {
        "CompanyName": "The SXT Studio developers",
        # Task Manager and the question of the firewall show this one.
        "FileDescription": "SXT Studio",
        "FileVersion": version,
        "InternalName": "sxtstudio",
        "LegalCopyright": "MIT licence",
        "OriginalFilename": program,
        "ProductName": "SXT Studio",
        "ProductVersion": version,
    }
    lines = ",\n      ".join(f"StringStruct({name!r}, {text!r})" for name, text in strings.items())
    return _TEXT.format(numbers=four_numbers(version), strings=lines)


def write_version_resource(folder: Path, version: str, program: str) -> Path:
    """Write the resource for a program into a folder and return the file."""
    path = folder / f"{program}.version.txt"
    path.write_text(version_resource(version, program), encoding="utf-8")
    return path
