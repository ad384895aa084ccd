"""Drawings on a page: one for screens and paper, and one as wide as a phone, of which the style shows one."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

PHONE = 356.0
"""Pixels a phone of 390 leaves between the page's margins."""


def at_both_widths(draw: Callable[[float], str], wide: float) -> Markup:
    """The drawing at its own width and at a phone's; what is no wider than a phone is drawn once.

    Examples
    --------
    >>> at_both_widths(lambda width: f"{width:g}", 400.0)
    Markup('<div class="drawn">400</div><div class="drawn phone">356</div>')
    >>> at_both_widths(lambda width: f"{width:g}", 300.0)
    Markup('<div class="drawn always">300</div>')
    """
    if wide <= PHONE:
        return Markup(f'<div class="drawn always">{draw(wide)}</div>')
    return Markup(f'<div class="drawn">{draw(wide)}</div><div class="drawn phone">{draw(PHONE)}</div>')
