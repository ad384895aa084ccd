"""A small SVG writer: shapes in, escaped text out; nothing it writes can run or load anything."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]

INK, MUTED, GRID = "#1c2733", "#5b6874", "#dde2e7"
OBSERVED, FITTED, VOLUME = "#1b4f8a", "#d1721b", "#e3e8ee"
BAND, BEFORE = "#cfdff0", "#7a4f9a"
DARK = {
    INK: "#e4eaf0",
    MUTED: "#9fadba",
    GRID: "#2f3b47",
    OBSERVED: "#6cb0f5",
    FITTED: "#f0994a",
    VOLUME: "#2b3845",
    BAND: "#274567",
    BEFORE: "#c39be2",
    "#c3d2e4": "#3d5a79",
    "#b9cde4": "#30557b",
    "#6b7783": "#9fadba",
    "#f3eaf8": "#3b2f49",
    "#8a95a0": "#9fadba",
    "#2e7d4f": "#63c58c",
    "#7b3fa0": "#c48de6",
    "#fff": "#12171d",
}
"""Colours of drawings to what they are on a dark page; the page's style changes them."""
JOINERS = "\u200c\u200d"
"""Zero-width characters that words and emoji are written with; all other invisible characters are replaced."""


def clean(text: object) -> str:
    """Text for HTML or SVG: control characters replaced, markup escaped.

    Examples
    --------
    >>> clean("<script>alert(1)</script>")
    '&lt;script&gt;alert(1)&lt;/script&gt;'
    """
    shown = "".join(one if one.isprintable() or one in JOINERS else "\ufffd" for one in str(text))
    return html.escape(shown, quote=True)


def level_text(name: object) -> str:
    """A level's name as a reader sees it: empty and blank names are said in words.

    Examples
    --------
    >>> level_text(""), level_text("  "), level_text("R24")
    ('(empty text)', '(2 blanks)', 'R24')
    """
    text = str(name)
    return text if text.strip() else f"({len(text)} blanks)" if text else "(empty text)"


def shortened(text: str, letters: int) -> str:
    """Text cut to so many letters, with an ellipsis.

    Examples
    --------
    >>> shortened("Provence-Alpes-Côte d'Azur", 12)
    'Provence-Al…'
    """
    if len(text) <= letters:
        return text
    kept = text[: letters - 1]
    # Half of a joined emoji, or a letter without its accent, is not what was written.
    while kept and (kept[-1] in JOINERS or unicodedata.combining(text[len(kept)])):
        kept = kept[:-1]
    return f"{kept}…"


def squeezed(text: str, letters: int) -> str:
    """Text cut in its middle: names of cells and intervals differ at their ends.

    Examples
    --------
    >>> squeezed("(10.3, 10.57626] × fair, poor", 20)
    '(10.3, 10.…air, poor'
    """
    if len(text) <= letters:
        return text
    head = letters // 2
    tail = text[len(text) - (letters - head - 1) :].lstrip(JOINERS)
    while tail and unicodedata.combining(tail[0]):
        tail = tail[1:]
    return shortened(text, head + 1) + tail


def sentence_case(text: str) -> str:
    """The text with a capital first letter and all others as they are."""
    return text[:1].upper() + text[1:]


def text_width(text: str, size: float = 11) -> float:
    """About how many pixels a text takes: wide letters (CJK, emoji) count twice.

    Examples
    --------
    >>> text_width("abc", 10), text_width("東京", 10)
    (18.0, 24.0)
    """
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return 0.6 * size * (len(text) + wide)


@dataclass
class Svg:
    """A drawing of fixed size in pixels; methods add shapes in order, later ones on top."""

    width: float
    height: float
    label: str = ""
    parts: list[str] = field(default_factory=list)

    def line(self, a: Point, b: Point, colour: str = GRID, width: float = 1.0, dash: str = "") -> None:
        """A straight line."""
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{_n(a[0])}" y1="{_n(a[1])}" x2="{_n(b[0])}" y2="{_n(b[1])}" stroke="{colour}" '
            f'stroke-width="{_n(width)}"{style}/>'
        )

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str, title: str = "") -> None:
        """A filled rectangle with a tooltip."""
        body = f"<title>{clean(title)}</title>" if title else ""
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(max(height, 0))}" '
            f'fill="{colour}">{body}</rect>'
        )

    def path(self, points: Sequence[Point], colour: str, width: float = 1.8, dash: str = "") -> None:
        """An open line through points; a gap where one is not finite."""
        commands: list[str] = []
        pen = "M"
        for x, y in points:
            if math.isfinite(x) and math.isfinite(y):
                commands.append(f"{pen}{_n(x)} {_n(y)}")
                pen = "L"
            else:
                pen = "M"
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<path d="{" ".join(commands)}" fill="none" stroke="{colour}" stroke-width="{_n(width)}" '
            f'stroke-linejoin="round"{style}/>'
        )

    def dot(self, at: Point, colour: str, radius: float = 3.2, title: str = "", hollow: bool = False) -> None:
        """A filled or hollow circle with a tooltip."""
        fill, stroke = ("#fff", colour) if hollow else (colour, "#fff")
        body = f"<title>{clean(title)}</title>" if title else ""
        self.parts.append(
            f'<circle cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(radius)}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{1.6 if hollow else _n(min(1.0, radius / 4))}">{body}</circle>'
        )

    def polygon(self, points: Sequence[Point], colour: str, title: str = "") -> None:
        """A filled polygon with a tooltip."""
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        body = f"<title>{clean(title)}</title>" if title else ""
        self.parts.append(f'<polygon points="{corners}" fill="{colour}">{body}</polygon>')

    def text(
        self,
        at: Point,
        content: str,
        *,
        anchor: str = "start",
        size: float = 11,
        colour: str = MUTED,
        turn: float = 0,
        bold: bool = False,
        title: str = "",
    ) -> None:
        """A line of text; `turn` in degrees about its anchor; `title` is the tooltip with the full text."""
        turned = f' transform="rotate({_n(turn)} {_n(at[0])} {_n(at[1])})"' if turn else ""
        weight = ' font-weight="600"' if bold else ""
        body = f"<title>{clean(title)}</title>" if title else ""
        self.parts.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" text-anchor="{anchor}" font-size="{_n(size)}" '
            f'fill="{colour}"{weight}{turned}>{body}{clean(content)}</text>'
        )

    def render(self) -> str:
        """The ``<svg>`` element."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" role="img" aria-label="{clean(self.label)}" '
            f'font-family="Segoe UI, Helvetica, Arial, DejaVu Sans, sans-serif">{"".join(self.parts)}</svg>'
        )


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover [low, high] on a logarithmic axis.

    Examples
    --------
    >>> log_ticks(0.4, 12.0), log_ticks(0.92, 1.11)
    ([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0], [0.9, 0.95, 1.0, 1.05, 1.1, 1.15])
    """
    if high / low < 3.5:
        return [tick for tick in nice_ticks(low, high) if tick > 0]
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    every = [round(step * 10.0**power, 12) for power in range(first, last + 1) for step in steps]
    below = [tick for tick in every if tick <= low][-1:]
    above = [tick for tick in every if tick >= high][:1]
    return [*below, *(tick for tick in every if low < tick < high), *above]


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover [low, high], about so many.

    Examples
    --------
    >>> nice_ticks(0.0, 0.43)
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        high = low + (abs(low) or 1.0) if math.isfinite(low) else 1.0
        low = low if math.isfinite(low) else 0.0
    rough = (high - low) / about
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """A tick's label with the decimals its neighbours need.

    Examples
    --------
    >>> tick_text(0.1, [0.0, 0.05, 0.1])
    '0.10'
    """
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else abs(value) or 1.0
    decimals = next((d for d in range(9) if abs(round(step, d) - step) < step * 1e-6), 9)
    return f"{value:,.{decimals}f}".replace("-", "−")


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"
