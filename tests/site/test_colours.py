"""The axes' colours can be read on both grounds, and told apart by readers who see few colours."""

import re
from itertools import combinations

import pytest
from notebooks import BOOK, ROOT

AXES_CSS = (ROOT / "unrolled" / "static" / "axes.css").read_text(encoding="utf-8")
SITE_CSS = (BOOK / "_static" / "site.css").read_text(encoding="utf-8")
GROUNDS = {
    theme: re.findall(r"--(?:code|pst-color-background): (#\w+);", block)
    for theme, block in re.findall(r'html\[data-theme="(light|dark)"\] \{([^}]*)\}', SITE_CSS)
}
AXES = {
    theme: dict(re.findall(r"--axis-(\w+): (#\w{6});", block))
    for theme, block in zip(("light", "dark"), re.findall(r"\{([^}]*--axis-N:[^}]*)\}", AXES_CSS), strict=True)
}


def linear(colour: str) -> list[float]:
    """The colour's red, green and blue as linear light, 0 to 1 (sRGB, IEC 61966-2-1)."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    values = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# Full dichromacy on linear light, after Viénot, Brettel and Mollon (1999).
DEUTERANOPIA = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
PROTANOPIA = [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]


def distance(one: str, other: str, vision: list[list[float]]) -> float:
    """Euclidean distance in CIELAB (ΔE*ab 1976) as this vision sees the two; about 2.3 is barely noticeable."""

    def lab(colour: str) -> tuple[float, float, float]:
        r, g, b = (sum(m * c for m, c in zip(row, linear(colour), strict=True)) for row in vision)
        xyz = (
            0.4124 * r + 0.3576 * g + 0.1805 * b,
            0.2126 * r + 0.7152 * g + 0.0722 * b,
            0.0193 * r + 0.1192 * g + 0.9505 * b,
        )
        x, y, z = (
            (v / w) ** (1 / 3) if v / w > 0.008856 else 7.787 * max(v, 0) / w + 16 / 116
            for v, w in zip(xyz, (0.9505, 1.0, 1.089), strict=True)
        )
        return 116 * y - 16, 500 * (x - y), 200 * (y - z)

    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_axis_can_be_read(theme):
    assert len(GROUNDS[theme]) == 2
    assert set(AXES[theme]) == {"N", "L", "D", "H_in", "H_out", "H_cell"}
    for axis, colour in AXES[theme].items():
        for ground in GROUNDS[theme]:
            assert contrast(colour, ground) >= 4.5, (axis, ground)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", [DEUTERANOPIA, PROTANOPIA], ids=["deuteranopia", "protanopia"])
def test_no_two_axes_look_alike(theme, vision):
    for one, other in combinations(AXES[theme], 2):
        assert distance(AXES[theme][one], AXES[theme][other], vision) > 15, (one, other)


def test_where_a_colour_is_repeated_for_pages_without_it_it_is_the_same():
    """The explorer and the drawings are shown in other pages too, so they name a colour to fall back on."""
    blocks = re.findall(r"\{([^}]*--axis-N:[^}]*)\}", AXES_CSS)
    by_theme = [dict(re.findall(r"--((?:axis|tensor)-\w+): (#\w+);", block)) for block in blocks]
    places = [ROOT / "web" / "common" / "element.css", ROOT / "unrolled" / "drawing" / "grid_svg.py"]
    for path in places:
        text = path.read_text(encoding="utf-8")
        repeated = re.findall(r"var\(--((?:axis|tensor)-\w+), ?((?:light-dark\()?#[^;}]*?)\)[;}]", text)
        assert len(repeated) >= 3
        for name, colours in repeated:
            light, *dark = re.findall(r"#\w+", colours)
            assert light == by_theme[0][name], (path.name, name)
            assert dark in ([], [by_theme[1][name]]), (path.name, name)
