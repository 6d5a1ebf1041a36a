"""The program's icon for Windows (.ico) and macOS (.icns), and the side of the installer's first page (.bmp).

python installer/icons/make.py      writes them beside this file, drawn from resources/icons/sxtstudio.svg
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).resolve().parent
DRAWING = HERE.parents[1] / "resources" / "icons" / "sxtstudio.svg"
ICO_PX = (16, 20, 24, 32, 40, 48, 64, 128, 256)
ICNS_PX = (16, 32, 64, 128, 256, 512, 1024)


def drawn(size: int) -> Image.Image:
    """Return the icon as a square of ``size`` px, drawn anew: small ones are not shrunk large ones."""
    canvas = QImage(size, size, QImage.Format.Format_ARGB32)
    canvas.fill(Qt.GlobalColor.transparent)
    painter = QPainter(canvas)
    QSvgRenderer(str(DRAWING)).render(painter)
    painter.end()
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    canvas.save(buffer, "PNG")  # type: ignore[call-overload]
    return Image.open(io.BytesIO(content.data())).convert("RGBA")


def side() -> Image.Image:
    """Return the picture beside the first page of the installer: the icon on its own dark grey."""
    width, height, icon = 164, 314, 120
    picture = Image.new("RGB", (width, height), (23, 27, 34))
    picture.paste(drawn(icon), ((width - icon) // 2, 48), drawn(icon))
    return picture.quantize(64)


def main() -> None:
    """Write all files."""
    for name, sizes in (("sxtstudio.ico", ICO_PX), ("sxtstudio.icns", ICNS_PX)):
        pictures = [drawn(size) for size in sizes]
        target = HERE / name
        keywords = {"sizes": [(size, size) for size in sizes]} if target.suffix == ".ico" else {}
        pictures[-1].save(target, append_images=pictures[:-1], **keywords)
        print(f"{target} ({target.stat().st_size / 1e3:.0f} kB)")
    side().save(HERE / "setup.bmp")


if __name__ == "__main__":
    main()
