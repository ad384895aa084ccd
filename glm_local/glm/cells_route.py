"""The cells route: rows compressed to one line per distinct design, with nothing lost that a fit needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.kernels import Array, SummaryKernel, responses
from glm_local.glm.summary import Summary
from glm_local.rows.blocks import FAULTS, LOG_SUMS, ROWS_PER_BLOCK, Block, BlockDesign, Blocks, Kernel, Sums
from glm_local.rows.engine import PassCounter
from glm_local.rows.memory_blocks import MemoryBlocks

DENSE_CELLS = 65_536
"""Possible cells up to which rows are counted into a table of all of them instead of sorted."""

CELL_ROWS, CELL_WEIGHT, CELL_AMOUNT, CELL_WITHIN, CELL_LOST = range(5)


@dataclass(frozen=True)
class CellsKernel:
    """Group rows by atom codes, numerics and offset.

    Sums: keys (number of keys, cells) and sums (5, cells): rows, weight, amount, and of the rows around the mean of
    their cell the weighted sum of squares and the deviance. Both add like sums of squares, within and between
    (for a deviance: Jørgensen 1997, 1.3), so nothing large is subtracted.
    """

    family: Family
    sizes: tuple[int, ...]
    only_atoms: bool = False

    @property
    def _dense(self) -> int | None:
        """Number of possible cells where counting all of them is cheaper than sorting rows."""
        possible = math.prod(self.sizes)
        return possible if self.only_atoms and self.sizes and possible <= DENSE_CELLS else None

    def begin(self) -> Sums:
        return [] if self._dense is None else [np.zeros((5, self._dense))]

    def add(self, sums: Sums, block: Block) -> None:
        if not block.rows:
            return
        if self._dense is None:
            whole = np.zeros((5, block.rows))
            whole[CELL_ROWS], whole[CELL_AMOUNT] = 1.0, block.amount
            whole[CELL_WEIGHT] = 1.0 if block.weight is None else block.weight
            sums.extend(self._grouped(self._keys(block), whole))
            return
        code = block.atoms[0].astype(np.intp)
        for atom, size in zip(block.atoms[1:], self.sizes[1:], strict=True):
            code = code * size + atom
        sums[0] = self._joined(sums[0], self._counted(block, code, self._dense))

    def _counted(self, block: Block, code: NDArray[np.intp], cells: int) -> Array:
        """The five sums of one block by cell code, shape (5, cells)."""
        response, weight = responses(block)
        table = np.zeros((5, cells))
        for at, part in ((CELL_ROWS, None), (CELL_WEIGHT, block.weight), (CELL_AMOUNT, block.amount)):
            table[at] = np.bincount(code, part, cells)
        mean = np.take(_means(table), code)
        for at, part in ((CELL_WITHIN, (response - mean) ** 2), (CELL_LOST, self._deviance(response, mean))):
            table[at] = np.bincount(code, weight * part, cells)
        return table

    def _deviance(self, response: Array, mean: Array) -> Array:
        """Unit deviance around a cell's mean; rows at the mean, and means only rounding tells apart, have none."""
        with np.errstate(all="ignore"):
            found = np.where(response == mean, 0.0, self.family.unit_deviance(response, mean))
        return np.asarray(np.maximum(found, 0.0), dtype=np.float64)

    def _joined(self, one: Array, other: Array) -> Array:
        """Sums of the rows of two tables of the same cells."""
        total: Array = one + other
        both = np.flatnonzero((one[CELL_ROWS] > 0) & (other[CELL_ROWS] > 0))
        joint = _means(total[:, both])
        for part in (one[:, both], other[:, both]):
            mean = _means(part)
            total[CELL_WITHIN, both] += part[CELL_WEIGHT] * (mean - joint) ** 2
            total[CELL_LOST, both] += part[CELL_WEIGHT] * self._deviance(mean, joint)
        return total

    def finish(self, sums: Sums) -> Sums:
        if self._dense is None:
            return self._merged(sums)
        seen = np.flatnonzero(sums[0][CELL_ROWS])
        keys = np.stack(np.unravel_index(seen, self.sizes)).astype(np.float64)
        return [keys, sums[0][:, seen]] if len(seen) else []

    def merge(self, parts: Sequence[Sums]) -> Sums:
        return self._merged([array for part in parts for array in part])

    def _merged(self, sums: Sums) -> Sums:
        if len(sums) <= 2:
            return list(sums)
        return self._grouped(np.concatenate(sums[0::2], axis=1), np.concatenate(sums[1::2], axis=1))

    def _keys(self, block: Block) -> Array:
        codes = [atom.astype(np.float64) for atom in block.atoms]
        offset = [] if block.offset is None else [block.offset]
        return (
            np.stack([*codes, *block.numerics, *offset])
            if codes or len(block.numerics) or offset
            else np.zeros((1, block.rows))
        )

    def _grouped(self, keys: Array, parts: Array) -> Sums:
        order = self._order(keys)
        keys, parts = keys[:, order], parts[:, order]
        first = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))
        starts = np.flatnonzero(first)
        total = np.add.reduceat(parts, starts, axis=1)
        cell = np.cumsum(first) - 1
        mean, joint = _means(parts), _means(total)[cell]
        weight = parts[CELL_WEIGHT]
        with np.errstate(all="ignore"):  # of rows whose squares are no doubles; the fit says so
            total[CELL_WITHIN] += np.add.reduceat(weight * (mean - joint) ** 2, starts)
            total[CELL_LOST] += np.add.reduceat(weight * self._deviance(mean, joint), starts)
        return [keys[:, starts], total]

    def _order(self, keys: Array) -> NDArray[np.intp]:
        atoms = len(self.sizes)
        if atoms and math.prod(self.sizes) < 2**62:
            code = np.zeros(keys.shape[1], dtype=np.int64)
            for key, size in zip(keys[:atoms], self.sizes, strict=False):
                code = code * size + key.astype(np.int64)
            if len(keys) == atoms:
                return np.asarray(np.argsort(code, kind="stable"), dtype=np.intp)
            return np.asarray(np.lexsort((*keys[: atoms - 1 : -1], code)), dtype=np.intp)
        return np.asarray(np.lexsort(keys[::-1]), dtype=np.intp)


def _means(parts: Array) -> Array:
    with np.errstate(all="ignore"):
        mean: Array = np.where(parts[CELL_ROWS] > 0, parts[CELL_AMOUNT] / parts[CELL_WEIGHT], 0.0)
    return mean


@dataclass(frozen=True)
class BothKernels:
    """Two kernels in one pass."""

    first: Kernel
    second: Kernel
    split: int

    def begin(self) -> Sums:
        return [*self.first.begin(), *self.second.begin()]

    def add(self, sums: Sums, block: Block) -> None:
        head, tail = sums[: self.split], sums[self.split :]
        self.first.add(head, block)
        self.second.add(tail, block)
        sums[:] = [*head, *tail]

    def finish(self, sums: Sums) -> Sums:
        return [*self.first.finish(sums[: self.split]), *self.second.finish(sums[self.split :])]

    def merge(self, parts: Sequence[Sums]) -> Sums:
        return [
            *self.first.merge([part[: self.split] for part in parts]),
            *self.second.merge([part[self.split :] for part in parts]),
        ]


@dataclass(frozen=True)
class Cells:
    """The design table of a fit: one line per distinct design, as a block whose rows are cells."""

    block: Block
    rows: Array
    lost_deviance: float

    @classmethod
    def of(cls, sums: Sums, design: BlockDesign) -> Cells:
        """Build from the answer of `CellsKernel`; `lost_deviance` is what rows have beyond their cells."""
        if not sums:
            sums = [np.zeros((len(design.atoms) + len(design.numerics), 0)), np.zeros((5, 0))]
        keys, parts = sums
        weight, amount = parts[CELL_WEIGHT], parts[CELL_AMOUNT]
        atoms, q = len(design.atoms), len(design.numerics)
        block = Block(
            tuple(keys[i].astype(atom.dtype) for i, atom in enumerate(design.atoms)),
            np.ascontiguousarray(keys[atoms : atoms + q]),
            amount,
            weight,
            keys[atoms + q] if len(keys) > atoms + q and (atoms or q or design.offset is not None) else None,
            np.zeros(LOG_SUMS),
            np.zeros(len(FAULTS)),
            parts[CELL_WITHIN],
        )
        return cls(block, parts[CELL_ROWS], float(parts[CELL_LOST].sum()))

    def blocks(self, design: BlockDesign) -> MemoryBlocks:
        """The cells as blocks of their own; passes over them are not passes over rows."""
        return MemoryBlocks(design, lambda: _cut(self.block), PassCounter())


def _cut(block: Block) -> list[Block]:
    """Pieces that fit the processor's cache."""
    nothing = np.zeros_like(block.faults)
    starts = range(0, max(block.rows, 1), ROWS_PER_BLOCK)
    pieces = [slice(start, start + ROWS_PER_BLOCK) for start in starts]
    return [
        Block(
            tuple(atom[piece] for atom in block.atoms),
            block.numerics[:, piece],
            block.amount[piece],
            _piece(block.weight, piece),
            _piece(block.offset, piece),
            np.zeros(LOG_SUMS),
            nothing,
            _piece(block.within, piece),
        )
        for piece in pieces
    ]


def _piece(array: Array | None, piece: slice) -> Array | None:
    return None if array is None else array[piece]


def design_matrix(block: Block, columns: DesignColumns) -> Array:
    """The dense design matrix of a (small) block, shape (rows, columns): what reference solvers want."""
    matrix = np.zeros((block.rows, len(columns)))
    if columns.has_intercept:
        matrix[:, 0] = 1.0
    at_row = np.arange(block.rows)
    for atom, codes in zip(columns.design.atoms, block.atoms, strict=True):
        for name in atom.members:
            column = columns.column_of_code[name][atom.member_codes(name)][codes.astype(np.intp)]
            keep = column >= 0
            matrix[at_row[keep], column[keep]] += 1.0
    matrix[:, columns.numerics] = block.numerics[columns.numeric_rows].T
    return matrix


def constant_part(block: Block, columns: DesignColumns) -> Array | None:
    """What pinned levels add to the linear predictor, shape (rows,); None where there are none."""
    if not columns.constants:
        return None
    total = np.zeros(block.rows)
    for atom, codes in zip(columns.design.atoms, block.atoms, strict=True):
        for name in atom.members:
            if name in columns.constants:
                total += columns.constants[name][atom.member_codes(name)][codes.astype(np.intp)]
    return total


def first_pass(blocks: Blocks, family: Family, compress: bool) -> tuple[Summary, Cells | None]:
    """Make the pass that builds the blocks: the summary, and the cells of the design when asked."""
    if not compress:
        return Summary.of(blocks, family), None
    design = blocks.design
    sizes = tuple(atom.size for atom in design.atoms)
    only_atoms = not design.numerics and (design.offset is None or design.folded_power is not None)
    cells = CellsKernel(family, sizes, only_atoms)
    both = BothKernels(SummaryKernel(family, sizes, len(design.numerics)), cells, 4 + len(sizes))
    sums = blocks.sum(both, "cells")
    return Summary.from_sums(sums[: both.split]), Cells.of(sums[both.split :], design)
