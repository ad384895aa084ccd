"""How field codes travel packed: as bits of 32-bit or 64-bit words, so that few columns cross to Python.

Atoms are put together afterwards in numpy, so that a field that stands in several crosses is evaluated once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.rows.blocks import Atom, BlockDesign
from glm_local.rows.pack_rows import RowArrays, code_missing, row_arrays

LONG_BITS = 64
SHORT_BITS = 32

Codes = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Place:
    """Where a field's code lies: which word, from which bit, how many bits."""

    field: int
    word: int
    shift: int
    bits: int


@dataclass(frozen=True)
class KeyLayout:
    """Words of `word_bits` bits each, the fields' places in them, and the names of the numbers that follow."""

    word_bits: int
    words: int
    places: tuple[Place, ...]
    numbers: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in the order in which rows travel: words, then numbers."""
        return (*(f"w{i}" for i in range(self.words)), *(f"n{i}" for i in range(len(self.numbers))))

    def unpacked(self, design: BlockDesign, table: pa.Table) -> RowArrays:
        """Atoms and numbers of travelled rows.

        Raises
        ------
        EngineError
            A row has no code.
        """
        words = [self._word(design, table, word) for word in range(self.words)]
        codes = {design.fields[place.field].name: _field_codes(design, place, words) for place in self.places}
        numbers = [table.column(f"n{i}").to_numpy() for i in range(len(self.numbers))]
        atoms = [_atom_codes(design, atom, codes) for atom in design.atoms]
        return row_arrays(design, atoms, dict(zip(self.numbers, numbers, strict=True)))

    def _word(self, design: BlockDesign, table: pa.Table, word: int) -> Codes:
        column = table.column(f"w{word}")
        if column.null_count:
            raise code_missing(", ".join(design.fields[one.field].name for one in self.places if one.word == word))
        return np.ascontiguousarray(column.to_numpy()).view(f"u{self.word_bits // 8}")


def key_layout(design: BlockDesign, numbers: tuple[str, ...]) -> KeyLayout:
    """Place the design's fields, in their order; a word is begun when the next code does not fit.

    Examples
    --------
    >>> from glm_local.rows.blocks import Field
    >>> from glm_local.expressions.expression import Read
    >>> sizes = {"a": 200, "b": 300, "c": 250}
    >>> fields = tuple(Field(name, Read(name, "integer"), size) for name, size in sizes.items())
    >>> [(place.word, place.shift) for place in key_layout(BlockDesign(fields, Read("y")), ()).places]
    [(0, 0), (0, 8), (0, 17)]
    """
    widths = [max(1, math.ceil(math.log2(one.size))) for one in design.fields]
    word_bits = SHORT_BITS if sum(widths) <= SHORT_BITS else LONG_BITS
    places: list[Place] = []
    word, shift = 0, 0
    for field, bits in enumerate(widths):
        if shift + bits > word_bits:
            word, shift = word + 1, 0
        places.append(Place(field, word, shift, bits))
        shift += bits
    return KeyLayout(word_bits, word + 1 if places else 0, tuple(places), numbers)


def _field_codes(design: BlockDesign, place: Place, words: list[Codes]) -> Codes:
    field = design.fields[place.field]
    word = words[place.word]
    shifted = word >> word.dtype.type(place.shift) if place.shift else word
    codes = shifted & word.dtype.type((1 << place.bits) - 1)
    if len(codes) and codes.max() >= field.size:
        raise code_missing(field.name)
    return codes


def _atom_codes(design: BlockDesign, atom: Atom, codes: Mapping[str, Codes]) -> Codes:
    # Partial codes stay below the atom's size, so its own narrow type holds them.
    total: Codes | None = None
    for code, size in _digits(design, atom, codes):
        narrow = code.astype(atom.dtype)
        total = narrow if total is None else total * atom.dtype.type(size) + narrow
    assert total is not None
    return total


def _digits(design: BlockDesign, atom: Atom, codes: Mapping[str, Codes]) -> Iterator[tuple[Codes, int]]:
    crosses = {cross.name: cross.members for cross in design.crosses}
    for member in atom.members:
        for name in crosses.get(member, (member,)):
            yield codes[name], design.sizes[name]
