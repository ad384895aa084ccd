"""Values of one expression over all rows: a numpy array with its missing rows, text as codes into a word list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.expressions.expression import Scalar
from glm_local.expressions.expression_columns import ExpressionType, date_days

Array = NDArray[Any]
Mask = NDArray[np.bool_]


class Values:
    """One column of values.

    Parameters
    ----------
    data
        number: float64, NaN is missing. integer: int64. text: object. flag: bool. date: datetime64[D], NaT is missing.
    missing
        True where missing, for integer, text and flag; None when no row is.

    Attributes
    ----------
    codes, words
        Text only: ``words[codes]`` is the text, code -1 is missing. Made on first use, kept from the reader if it
        had them.
    whole
        Numbers read from an integer column without missing rows: that column, so that bins can be looked up.
    single
        Numbers read from a float32 column, whose lookup keys are rounded to float32.
    """

    __slots__ = ("_codes", "_data", "_missing", "_words", "single", "whole")

    def __init__(
        self, data: Array | None, missing: Mask | None = None, *, whole: Array | None = None, single: bool = False
    ) -> None:
        self._data = data
        self._missing = missing
        self._codes: Array | None = None
        self._words: Array | None = None
        self.whole = whole
        self.single = single

    @classmethod
    def text(cls, codes: Array, words: Array) -> Values:
        """Text as codes into `words`; -1 is missing."""
        made = cls(None)
        made._codes, made._words = codes, words
        return made

    @property
    def data(self) -> Array:
        """The plain array; missing text is None, missing integers are 0 and missing flags False."""
        if self._data is None:
            if self._codes is not None and self._words is not None:
                self._data = np.append(self._words, np.array([None], dtype=object))[self._codes]
            else:
                assert self.whole is not None
                self._data = self.whole.astype(np.float64)
        return self._data

    @property
    def missing(self) -> Mask | None:
        """True where missing (integer, text, flag), or None; number and date carry theirs as NaN and NaT."""
        if self._missing is None and self._codes is not None:
            absent = self._codes < 0
            return absent if absent.any() else None
        return self._missing

    @property
    def absent(self) -> Mask:
        """True where missing, whatever the type."""
        if self.whole is not None:
            return np.zeros(self.whole.shape, dtype=bool)
        if self._codes is not None:
            return np.asarray(self._codes < 0)
        if self.data.dtype.kind == "f":
            return np.isnan(self.data)
        if self.data.dtype.kind == "M":
            return np.isnat(self.data)
        return np.zeros(self.data.shape, dtype=bool) if self._missing is None else self._missing

    @property
    def is_text(self) -> bool:
        """Whether these are texts; said without decoding them."""
        return self._codes is not None or (self._data is not None and self._data.dtype == object)

    @property
    def codes(self) -> Array:
        """Place of each row's text in `words`; -1 is missing."""
        self._encode()
        assert self._codes is not None
        return self._codes

    @property
    def words(self) -> Array:
        """The distinct texts (one may stand twice)."""
        self._encode()
        assert self._words is not None
        return self._words

    def _encode(self) -> None:
        if self._codes is None:
            flat = self.data.copy()
            if self._missing is not None:
                flat[self._missing] = None
            codes, words = pd.factorize(np.atleast_1d(flat))
            self._codes, self._words = codes.reshape(self.data.shape), np.asarray(words, dtype=object)

    def take(self, positions: Array) -> Values:
        """The values at some positions (-1 is the last)."""
        if self._codes is not None and self._words is not None:
            return Values.text(self._codes.take(positions), self._words)
        missing = None if self._missing is None else self._missing.take(positions)
        return Values(self.data.take(positions), missing)

    def rows(self, rows: int) -> Values:
        """A constant spread over all rows; anything else as it is."""
        if self._codes is not None and self._words is not None:
            return self if self._codes.ndim else Values.text(np.full(rows, self._codes), self._words)
        if self.whole is not None or self.data.ndim:
            return self
        missing = None if self._missing is None else np.full(rows, self._missing)
        return Values(np.full(rows, self.data), missing)

    def __len__(self) -> int:
        if self._codes is not None:
            return len(self._codes)
        return len(self.data if self.whole is None else self.whole)


def constants(outputs: Sequence[Scalar], kind: ExpressionType) -> Values:
    """A short list of constants as values of one type; None and NaN are missing."""
    absent = np.array([value is None or value != value for value in outputs], dtype=bool)
    if kind == "text":
        return Values.text(np.where(absent, -1, np.arange(len(outputs))), np.array(outputs, dtype=object))
    if kind in ("number", "nothing"):
        return Values(np.array([np.nan if gone else value for value, gone in zip(outputs, absent, strict=True)], float))
    if kind == "date":
        days = [0 if gone else date_days(str(value)) for value, gone in zip(outputs, absent, strict=True)]
        dates = np.array(days, dtype="datetime64[D]")
        dates[absent] = np.datetime64("NaT")
        return Values(dates)
    filled = [0 if gone else value for value, gone in zip(outputs, absent, strict=True)]
    return Values(np.array(filled, dtype=bool if kind == "flag" else np.int64), absent if absent.any() else None)


def constant(value: Scalar, kind: ExpressionType) -> Values:
    """One constant, as zero-dimensional values that broadcast."""
    return constants([value], kind).take(np.array(0))


def as_number(values: Values) -> Array:
    """Values of type number, integer or date as float64; dates are days since 1970-01-01."""
    data = values.data
    if data.dtype.kind == "f":
        return data
    if data.dtype.kind == "M":
        return np.where(np.isnat(data), np.nan, data.astype(np.int64))
    number = data.astype(np.float64)
    return number if values.missing is None else np.where(values.missing, np.nan, number)


def as_type(values: Values, kind: ExpressionType) -> Values:
    """The same values where a branch asks for another type: integers become numbers, a None constant anything."""
    data = values.data if values._codes is None and values.whole is None else None
    if kind == "number" and data is not None and data.dtype.kind == "i":
        return Values(as_number(values))
    if kind in ("number", "nothing") or data is None or data.dtype.kind != "f":
        return _text_as_date(values) if kind == "date" and values._codes is not None else values
    return constants([None], kind).take(np.zeros(data.shape, dtype=np.int64))


def _text_as_date(values: Values) -> Values:
    days = np.array([date_days(word) for word in values.words] + [0], dtype="datetime64[D]")
    days[-1] = np.datetime64("NaT")
    return Values(days.take(values.codes))
