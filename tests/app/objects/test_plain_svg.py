"""SVG without what simple readers do not know."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from sxtstudio.app.objects.plots.plain_svg import plain_svg

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<g fill="none" stroke="#000" stroke-width="1.2" transform="matrix(100,0,0,-2,10,90)">
<polyline vector-effect="non-scaling-stroke" points="0.5,0 0.5,40 "/>
<path vector-effect="non-scaling-stroke" d="M0,0 L1e-1,10 Z "/>
</g>
<g stroke="none" fill="#123456" transform="matrix(0,2,-2,0,1,1)">
<path vector-effect="none" d="M1,2 L3,4 "/></g>
<g stroke="#000" stroke-width="2" transform="matrix(3,0,0,3,0,0)">
<path vector-effect="none" d="M1,1 L2,2 "/></g>
<g stroke="#000" transform="matrix(1,0,0,1,5,5)"><text x="1" y="2">10</text></g>
</svg>"""


def test_points_lie_on_the_page_and_lines_keep_their_width() -> None:
    root = ET.fromstring(plain_svg(SVG))
    assert b"vector-effect" not in plain_svg(SVG)
    bars, turned, stretched, text = root
    assert "transform" not in bars.attrib and bars.get("stroke-width") == "1.2"
    assert bars[0].get("points") == "60,90 60,10 "
    assert bars[1].get("d") == "M10,90 L20,70 Z "
    assert turned[0].get("d") == "M-3,3 L-7,7 "  # x' = -2 y + 1, y' = 2 x + 1
    # A line whose width is to be stretched, and what has no points, stay as they are.
    assert stretched.get("transform") == "matrix(3,0,0,3,0,0)" and stretched[0].get("d") == "M1,1 L2,2 "
    assert text.get("transform") == "matrix(1,0,0,1,5,5)"
