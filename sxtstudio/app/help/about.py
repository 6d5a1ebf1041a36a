"""Help > About: version, licence, how to cite, the libraries and their licences."""

from __future__ import annotations

from html import escape
from importlib import metadata

from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
)

from sxtstudio import __version__
from sxtstudio.app.context import Context
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.shipped import licence_texts
from sxtstudio.workflow.libraries import licences, required_libraries

DOI = "10.1073/pnas.2209938120"
TITLE = (
    "3D surface reconstruction of cellular cryo-soft X-ray microscopy tomograms using semisupervised "
    "deep learning"
)
#: As the authors' own repository names them (github.com/noegroup/deep_sxt).
AUTHORS = (
    *("Dyhr, Michael C. A.", "Sadeghi, Mohsen", "Moynova, Ralitsa", "Knappe, Carolin"),
    *("Kepsutlu Çakmak, Burcu", "Werner, Stephan", "Schneider, Gerd", "McNally, James"),
    *("Noé, Frank", "Ewers, Helge"),
)
CITATION = (
    f"Dyhr M.C.A., Sadeghi M., et al., “{TITLE}”, PNAS 2023, 120(24) e2209938120, https://doi.org/{DOI}. "
    f"Segmented with SXT Studio {__version__}."
)
BIBTEX = f"""@article{{dyhr2023sxt,
  author  = {{{" and ".join(AUTHORS)}}},
  title   = {{{TITLE}}},
  journal = {{Proceedings of the National Academy of Sciences}},
  volume  = {{120}},
  number  = {{24}},
  pages   = {{e2209938120}},
  year    = {{2023}},
  doi     = {{{DOI}}}
}}
"""


class AboutDialog(ToolDialog):
    """Stays open beside the window."""

    TITLE = "About SXT Studio"
    PAGE = "cite.md"

    def __init__(self, context: Context) -> None:
        """Show all of it."""
        super().__init__(context)
        self.resize(640, 620)
        self.page = QTextBrowser()
        self.page.setOpenExternalLinks(True)
        self.page.document().setDocumentMargin(12)
        self.page.setHtml(about_html())
        self.copied = QLabel()
        self.copied.setProperty("role", "note")
        self.copy_text = QPushButton("Copy citation")
        self.copy_text.setToolTip("Copy the citation as text")
        self.copy_bibtex = QPushButton("Copy BibTeX")
        self.copy_bibtex.setToolTip("Copy the citation for reference managers and LaTeX")
        close = QPushButton("Close")
        close.setToolTip("Close this page")
        row = QHBoxLayout()
        row.addWidget(self.copy_text)
        row.addWidget(self.copy_bibtex)
        row.addWidget(self.copied, 1)
        row.addWidget(close)
        for button in (self.copy_text, self.copy_bibtex, close):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.page, 1)
        layout.addLayout(row)
        self.copy_text.clicked.connect(lambda: self._copy(CITATION, "Citation copied."))
        self.copy_bibtex.clicked.connect(lambda: self._copy(BIBTEX, "BibTeX copied."))
        close.clicked.connect(self.close)

    def _copy(self, text: str, confirmation: str) -> None:
        QApplication.clipboard().setText(text)
        self.copied.setText(confirmation)


def about_html() -> str:
    """Return the page."""
    rows = "".join(
        f"<tr><td>{escape(name)} {escape(metadata.version(name))}</td><td>{escape(licence)}</td></tr>"
        for name, licence in licences(required_libraries()).items()
    )
    return f"""
<h2>SXT Studio {escape(__version__)}</h2>
<p>Finds the membranes in soft X-ray tomograms of whole cells, for cleaning up, correcting, looking at them
in 3D and measuring.</p>
<p>Free software under the MIT licence.</p>
<h3>How to cite</h3>
<p>If SXT Studio helped you, please cite the paper of the method:</p>
<p>Dyhr M.C.A., Sadeghi M., et al., “{escape(TITLE)}”, <i>PNAS</i> 2023, 120(24) e2209938120,
<a href="https://doi.org/{DOI}">doi:{DOI}</a>.</p>
<p>Please also name the version of the program and the checksum of the model, which every report contains.</p>
<h3>Libraries</h3>
<p>The window is drawn by Qt, used under the terms of the LGPL version 3.</p>
<p>MP4 movies are written by FFmpeg, a program of its own that comes along under the GPL, version 3 or later.
Its sources: <a href="https://ffmpeg.org">ffmpeg.org</a>,
<a href="https://github.com/imageio/imageio-binaries">github.com/imageio/imageio-binaries</a>.</p>
{_where_the_texts_are()}
<table cellpadding="3">
<tr><td>Python, with its standard library</td><td>PSF-2.0</td></tr>
{rows}
</table>
"""


def _where_the_texts_are() -> str:
    texts = licence_texts()
    if texts is None:
        return "<p>Each library was installed with the text of its licence.</p>"
    return f"""<p>The text of every licence, also of what the libraries bring along, is in
<a href="{escape(texts.as_uri())}">{escape(str(texts))}</a>.</p>"""
