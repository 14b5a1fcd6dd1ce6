"""A matplotlib figure as a picture that fits every host: inline SVG in the page's own colours, with a text for those who do not see it."""

import io
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A drawing and the text that says what it shows. A notebook shows the drawing, a terminal the text."""

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return f'<div style="max-width:36rem;margin:1rem auto">{self.svg}</div>'


def picture(figure: "Figure", alt: str) -> Picture:
    """The figure as a `Picture`, and the figure closed, so that it is not shown a second time.

    Black becomes the colour of the surrounding text, and the ground stays clear, so that the drawing is right in light and in dark.
    Its text stays text. The same figure gives the same characters on every run; round the data before drawing it (three
    decimals are plenty), or the last bit of another processor's arithmetic shows in a coordinate.

    Raises:
        ValueError: `alt` does not say what the figure shows.
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
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z][\w.]*_\d+"', "", svg)  # names of the figure's parts, which nothing refers to
    svg = re.sub(r'font: ([\d.]+)px [^;"]*', r"font-size: \1px; font-family: inherit", svg)
    svg = svg.replace("#000000", "currentColor").replace("<text ", '<text fill="currentColor" ')
    svg = re.sub(r'<svg ([^>]*?)\bwidth="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)\bheight="[^"]*"', r"<svg \1", svg, count=1)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" style="width:100%;height:auto" ', 1)
    return Picture(svg.strip(), alt)
