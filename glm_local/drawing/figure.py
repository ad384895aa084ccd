"""A drawing as an object: notebooks show it, `save` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """An SVG drawing.

    Examples
    --------
    >>> Figure("<svg></svg>").svg()
    '<svg></svg>'
    """

    drawing: str

    def svg(self) -> str:
        """The ``<svg>`` element."""
        return self.drawing

    def save(self, path: str | Path) -> Path:
        """Write the drawing as an SVG file, folders included."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.drawing, encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.drawing

    def _repr_html_(self) -> str:
        return f'<div style="background:#fff;overflow-x:auto">{self.drawing}</div>'
