"""How atom codes travel packed: several to a 32-bit or 64-bit word, so that few columns cross to Python.

Every atom takes whole bytes of a word, so that unpacking is a strided view and no arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.contract.blocks import BlockDesign
from glm_local.contract.pack_rows import RowArrays, code_missing, row_arrays

WORD_BYTES = 8
SHORT_WORD_BYTES = 4


@dataclass(frozen=True)
class Place:
    """Where an atom lies: which word, and from which byte (the lowest is 0)."""

    atom: int
    word: int
    byte: int


@dataclass(frozen=True)
class KeyLayout:
    """Words of `word_bytes` bytes each, the atoms' places in them, and the names of the numbers that follow."""

    word_bytes: int
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
        words = [_word(table.column(f"w{i}"), design, i, self.places) for i in range(self.words)]
        atoms: list[NDArray[np.integer]] = [np.zeros(0, np.uint8)] * len(self.places)
        for place in self.places:
            atom = design.atoms[place.atom]
            step = self.word_bytes // atom.dtype.itemsize
            codes = words[place.word].view(atom.dtype)[place.byte // atom.dtype.itemsize :: step]
            if len(codes) and codes.max() >= atom.size:
                raise code_missing(design, place.atom)
            atoms[place.atom] = np.ascontiguousarray(codes)
        columns = (table.column(f"n{i}").to_numpy() for i in range(len(self.numbers)))
        return row_arrays(design, atoms, dict(zip(self.numbers, columns, strict=True)))


def key_layout(design: BlockDesign, numbers: tuple[str, ...]) -> KeyLayout:
    """Place the design's atoms, the widest first, so that each starts at a multiple of its width.

    Examples
    --------
    >>> from glm_local.contract.blocks import Field
    >>> from glm_local.contract.expression import Read
    >>> sizes = {"a": 200, "b": 300, "c": 250}
    >>> fields = tuple(Field(name, Read(name, "integer"), size) for name, size in sizes.items())
    >>> key_layout(BlockDesign(fields, Read("y")), ()).words
    1
    """
    widths = [atom.dtype.itemsize for atom in design.atoms]
    word_bytes = SHORT_WORD_BYTES if sum(widths) <= SHORT_WORD_BYTES else WORD_BYTES
    places: list[Place] = []
    used = 0
    for atom in sorted(range(len(widths)), key=lambda one: -widths[one]):
        places.append(Place(atom, used // word_bytes, used % word_bytes))
        used += widths[atom]
    return KeyLayout(word_bytes, -(-used // word_bytes), tuple(places), numbers)


def _word(
    column: pa.ChunkedArray, design: BlockDesign, word: int, places: tuple[Place, ...]
) -> NDArray[np.integer]:
    if column.null_count:
        raise code_missing(design, next(place.atom for place in places if place.word == word))
    return np.ascontiguousarray(column.to_numpy())
