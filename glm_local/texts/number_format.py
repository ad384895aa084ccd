"""How numbers are written on the page: one format per kind of number, a dash for what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

DASH = "–"


def count_text(value: float | None) -> str:
    """Whole number with thousands separated.

    Examples
    --------
    >>> count_text(1234567.0), count_text(None)
    ('1,234,567', '–')
    """
    return DASH if _gone(value) else _minus(f"{value:,.0f}")


def amount_text(value: float | None) -> str:
    """A total: whole numbers and from 1,000 on whole, otherwise to one decimal; small ones to three significant digits.

    Examples
    --------
    >>> amount_text(35849.94), amount_text(12.34), amount_text(516.0), amount_text(0.01234), amount_text(0.0)
    ('35,850', '12.3', '516', '0.0123', '0')
    """
    if _gone(value):
        return DASH
    assert value is not None
    if value == 0:
        return "0"
    size = abs(value)
    whole = size >= 1000 or value == round(value)
    return _minus(f"{value:,.0f}" if whole else f"{value:.1f}" if size >= 1 else f"{value:.3g}")


def amount_texts(values: Sequence[float | None]) -> list[str]:
    """Totals of one column, all with the decimals its largest one has; what would vanish keeps digits of its own.

    Examples
    --------
    >>> amount_texts([2567.6, 874.8, -134.2, 0.02, 0.0]), amount_texts([12.34, 1.5, 0.0]), amount_texts([0.0328, 0.015])
    (['2,568', '875', '−134', '0.02', '0'], ['12.3', '1.5', '0'], ['0.0328', '0.0150'])
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    largest = max(map(abs, known), default=0.0)
    if all(value == round(value) for value in known) or largest >= 1000:
        decimals = 0
    else:
        decimals = 1 if largest >= 1 else 2 - math.floor(math.log10(largest))
    return [_with_decimals(value, decimals) for value in values]


def _with_decimals(value: float | None, decimals: int) -> str:
    if value is None or _gone(value):
        return DASH
    if decimals > 10 or (value and abs(value) < 0.5 * 10.0**-decimals):
        return amount_text(value)
    return _minus(f"{value:,.{decimals}f}") if value else "0"


def rate_text(value: float | None) -> str:
    """A rate, to four significant digits, trailing zeros kept so that columns align.

    Examples
    --------
    >>> rate_text(0.1007), rate_text(24641.2), rate_text(1.5), rate_text(0.0)
    ('0.1007', '24,641', '1.500', '0')
    """
    if _gone(value):
        return DASH
    assert value is not None
    if value == 0:
        return "0"
    digits = 3 - math.floor(math.log10(abs(value)))
    return _minus(f"{value:,.{min(max(digits, 0), 10)}f}")


def ratio_text(value: float | None) -> str:
    """A ratio or relativity, to three decimals (four significant digits above 100).

    Examples
    --------
    >>> ratio_text(1.0), ratio_text(0.98765), ratio_text(float("nan")), ratio_text(1e9)
    ('1.000', '0.988', '–', '1e+09')
    """
    if _gone(value):
        return DASH
    assert value is not None
    size = abs(value)
    extreme = size >= 1e5 or 0 < size < 5e-4
    return _minus(f"{value:.3g}" if extreme else f"{value:,.1f}" if size >= 100 else f"{value:.3f}")


def estimate_text(value: float | None) -> str:
    """A coefficient or standard error, to four decimals (four significant digits when small).

    Examples
    --------
    >>> estimate_text(-0.51234), estimate_text(0.0000123), estimate_text(0.0)
    ('−0.5123', '1.230e-05', '0')
    """
    if _gone(value):
        return DASH
    assert value is not None
    if value == 0:
        return "0"
    size = abs(value)
    return _minus(f"{value:.4f}" if 1e-3 <= size < 1e4 else f"{value:.3e}")


def share_text(value: float | None) -> str:
    """A share as a percentage with one decimal.

    Examples
    --------
    >>> share_text(0.1234)
    '12.3 %'
    """
    return DASH if _gone(value) else _minus(f"{100 * float(value or 0):.1f} %")


def probability_text(value: float | None) -> str:
    """A p-value: three decimals, or below 0.001.

    Examples
    --------
    >>> probability_text(0.04321), probability_text(1e-12)
    ('0.043', '<0.001')
    """
    if _gone(value):
        return DASH
    return "<0.001" if float(value or 0) < 0.001 else f"{value:.3f}"


def deviance_text(value: float | None) -> str:
    """A mean deviance, to five significant digits.

    Examples
    --------
    >>> deviance_text(0.3126738)
    '0.31267'
    """
    if _gone(value):
        return DASH
    assert value is not None
    if value == 0:
        return "0"
    digits = 4 - math.floor(math.log10(abs(value)))
    return _minus(f"{value:,.{min(max(digits, 0), 10)}f}")


def close_text(value: float | None) -> str:
    """A figure to be told from close neighbours (deviances of trials): to seven significant digits.

    Examples
    --------
    >>> close_text(0.312673812), close_text(51656.918)
    ('0.3126738', '51,656.92')
    """
    if _gone(value):
        return DASH
    assert value is not None
    if value == 0:
        return "0"
    digits = 6 - math.floor(math.log10(abs(value)))
    return _minus(f"{value:,.{min(max(digits, 0), 10)}f}")


def _gone(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _minus(text: str) -> str:
    # A true minus sign is as wide as a digit, so columns of figures align.
    return f"−{text[1:]}" if text.startswith("-") else text
