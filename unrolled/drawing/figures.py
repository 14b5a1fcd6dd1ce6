"""A matplotlib figure as a picture that fits every host, with a text for those who do not see it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
MAX_WIDTH = 576  # CSS pixels

# An image knows nothing of the page around it. So it brings a ground and an ink that suit each other.
IMAGE_STYLE = (
    "svg{background:#fff;color:#1f2328;font-family:sans-serif}"
    "@media(prefers-color-scheme:dark){svg{background:#14171c;color:#e3e6ea}}"
)


@dataclass(frozen=True)
class Picture:
    """A drawing and the text that says what it shows. A notebook shows the drawing, a terminal the text.

    Attributes:
        svg: the drawing as one SVG element, in the colour of the text around it.
        alt: what the drawing shows.
    """

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        """The drawing in the page's own colours and font; where SVG is not allowed, the same as an image.

        JupyterLab and its like take from a notebook that is not trusted the tags of an SVG, of which its labels are
        left, and values of `display` that they do not know. They keep `hidden` and images. So the labels are hidden
        there and the image shows; elsewhere `flow-root` shows what `hidden` hides, and an image with `contents` is not
        drawn. Both are important, as `[hidden]` is in Bootstrap, which the book's site and the classic notebook have.
        """
        from markupsafe import Markup

        html = Markup(
            '<div hidden="hidden" style="display:flow-root!important;max-width:{width}px;margin:1rem auto">{svg}</div>'
            '<img style="display:contents!important" width="{width}" src="{address}" alt="{alt}">'
        )
        return html.format(svg=Markup(self.svg), address=self._address(), alt=self.alt, width=MAX_WIDTH)

    def _address(self) -> str:
        """The drawing as the address of an image."""
        svg = ElementTree.fromstring(self.svg)
        for name in ("style", "role", "aria-label"):
            del svg.attrib[name]
        style = Element(f"{{{SVG}}}style")
        style.text = IMAGE_STYLE
        svg.insert(0, style)
        return "data:image/svg+xml," + quote(_written(svg), safe=" !$&'()*+,-./:;=?@[]_{}|~")


def picture(figure: Figure, alt: str) -> Picture:
    """The figure as a `Picture`, and the figure closed, so that it is not shown a second time.

    Black becomes the colour of the surrounding text, and the ground stays clear, so that the drawing is right in light
    and in dark. Its text stays text, in the font of the page. The same figure gives the same characters on every run;
    round the data before drawing it (three decimals are plenty), or the last bit of another processor's arithmetic
    shows in a coordinate.

    Args:
        figure: a figure of matplotlib.
        alt: what the figure shows, in a sentence.

    Raises:
        ValueError: `alt` does not say what the figure shows.

    Example:
        >>> figure, axes = plt.subplots(figsize=(5, 2))
        >>> axes.plot([3, 2, 1])
        >>> picture(figure, "A line that falls from 3 to 1 in two steps.")
    """
    import matplotlib.pyplot as plt

    if len(alt.split()) < 5:
        raise ValueError(
            f"The alt text is {alt!r}. Say in a sentence what the figure shows, for those who do not see it."
        )
    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": alt, "svg.fonttype": "none"}):
        figure.savefig(
            buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    plt.close(figure)
    svg = ElementTree.fromstring(buffer.getvalue())
    _fit_into_a_page(svg)
    svg.attrib |= {"role": "img", "aria-label": alt, "style": f"{svg.get('style', '')}width:100%;height:auto"}
    return Picture(_written(svg), alt)


def _fit_into_a_page(svg: Element) -> None:
    """Take out what only a file of its own needs, and leave colour and font to the page."""
    for name in ("width", "height", "version"):
        del svg.attrib[name]
    for parent in list(svg.iter()):
        for child in list(parent):
            # The only rule in matplotlib's style would be one for every element of the page; the root has it instead.
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    svg.set("style", "stroke-linejoin:round;stroke-linecap:butt;")
    for element in svg.iter():
        if (link := element.attrib.pop(XLINK, None)) is not None:
            element.set("href", link)
        if element.tag == f"{{{SVG}}}text":
            element.set("fill", "currentColor")
        element.attrib |= {name: _in_page_colours(value) for name, value in element.attrib.items()}
        element.text, element.tail = (text if text and text.strip() else None for text in (element.text, element.tail))
    used = set(re.findall(r"#(\w+)", " ".join(value for element in svg.iter() for value in element.attrib.values())))
    for element in svg.iter():
        if element.get("id", "") not in used:
            element.attrib.pop("id", None)


def _in_page_colours(value: str) -> str:
    """An attribute with the page's colour for black and without a font, and on one line."""
    value = re.sub(r"font-family: [^;]*(;|$)", "", value.replace("#000000", "currentColor"))
    return " ".join(value.split())


def _written(element: Element) -> str:
    """The element as text, which HTML reads as XML does."""
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(element, encoding="unicode")
