"""Recoding: blocks packed with fine codes seen as the blocks of a coarser design, without a pass over source rows.

Codes of a coarse atom are sums of table look-ups in fine atoms, whatever factors and crosses it bundles, because mixed
radix codes are additive in their digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from glm_local.rows.blocks import LOG_SUMS, Block, BlockDesign, Blocks, Kernel, Sums
from glm_local.rows.memory_blocks import MemoryBlocks

Codes = NDArray[np.int64]
Tables = tuple[tuple[int, NDArray[np.unsignedinteger]], ...]


@dataclass(frozen=True)
class FieldMap:
    """Where a coarse field's code comes from: a fine field and, for each of its codes, the coarse code."""

    fine: str
    codes: Codes


@dataclass(frozen=True)
class Recode:
    """Turns fine blocks into coarse ones.

    Parameters
    ----------
    atoms
        For every coarse atom: (fine atom, contribution of each of its codes), to be added up.
    numerics
        Rows of the fine block's numerics that the coarse design has, in its order.
    keep
        (fine atom, flag per code) of the rows that take part; None is all of them.
    """

    atoms: tuple[Tables, ...]
    numerics: tuple[int, ...]
    keep: tuple[int, NDArray[np.bool_]] | None = None

    @classmethod
    def between(
        cls,
        fine: BlockDesign,
        coarse: BlockDesign,
        maps: Mapping[str, FieldMap],
        keep: tuple[str, NDArray[np.bool_]] | None = None,
        numerics: Mapping[str, str] | None = None,
    ) -> Recode:
        """Plan the look-ups.

        `maps` has every field of the coarse design, `keep` flags the codes of a fine field, `numerics` names the fine
        numeric of a coarse one where the names differ.
        """
        members: dict[str, tuple[tuple[str, int], ...]] = {one.name: ((one.name, 1),) for one in coarse.fields}
        for cross in coarse.crosses:
            sizes = [coarse.sizes[name] for name in cross.members]
            members[cross.name] = tuple((name, math.prod(sizes[at + 1 :])) for at, name in enumerate(cross.members))
        atoms = []
        for atom in coarse.atoms:
            added: dict[int, Codes] = {}
            for at, name in enumerate(atom.members):
                stride = math.prod(atom.sizes[at + 1 :])
                for field, inner in members[name]:
                    source = fine.atom_of(maps[field].fine)
                    table = maps[field].codes[fine.atoms[source].member_codes(maps[field].fine)] * (stride * inner)
                    added[source] = added[source] + table if source in added else table
            atoms.append(tuple((source, table.astype(atom.dtype)) for source, table in sorted(added.items())))
        names = list(fine.numerics)
        kept = None
        if keep is not None:
            at = fine.atom_of(keep[0])
            kept = (at, keep[1][fine.atoms[at].member_codes(keep[0])])
        return cls(tuple(atoms), tuple(names.index((numerics or {}).get(name, name)) for name in coarse.numerics), kept)

    def block(self, fine: Block) -> Block:
        """The rows that take part, as a block of the coarse design; faults stay with the fine one."""
        rows = self._rows(fine)
        atoms = []
        for tables in self.atoms:
            total: NDArray[np.unsignedinteger] | None = None
            for source, table in tables:
                code = np.take(table, _part(fine.atoms[source], rows))
                total = code if total is None else np.add(total, code, out=total)
            assert total is not None
            atoms.append(total)
        numerics = fine.numerics[list(self.numerics)]
        return Block(
            tuple(atoms),
            numerics if rows is None else numerics[:, rows],
            _part(fine.amount, rows),
            None if fine.weight is None else _part(fine.weight, rows),
            None if fine.offset is None else _part(fine.offset, rows),
            fine.log_scale if rows is None else np.full(LOG_SUMS, np.nan),
            np.zeros_like(fine.faults),
        )

    def _rows(self, fine: Block) -> NDArray[np.intp] | slice | None:
        if self.keep is None:
            return None
        at, flags = self.keep
        rows = np.flatnonzero(np.take(flags, fine.atoms[at]))
        # Blocks sorted by the field have such rows side by side: a view of them costs nothing.
        together = len(rows) > 0 and rows[-1] - rows[0] + 1 == len(rows)
        return slice(int(rows[0]), int(rows[-1]) + 1) if together else rows


def _part(array: NDArray, rows: NDArray[np.intp] | slice | None) -> NDArray:  # type: ignore[type-arg]
    if rows is None:
        return array
    return array[rows] if isinstance(rows, slice) else np.take(array, rows)


def rows_of(block: Block, rows: NDArray[np.intp]) -> Block:
    """Some rows of a block; its faults and log scales, which belong to all rows, stay behind."""
    return Block(
        tuple(np.take(atom, rows) for atom in block.atoms),
        block.numerics[:, rows],
        block.amount[rows],
        None if block.weight is None else block.weight[rows],
        None if block.offset is None else block.offset[rows],
        np.full_like(block.log_scale, np.nan),
        np.zeros_like(block.faults),
    )


@dataclass(frozen=True)
class RecodedKernel:
    """A kernel of the coarse design, run over fine blocks."""

    recode: Recode
    inner: Kernel

    def begin(self) -> Sums:
        """Empty sums of the inner kernel."""
        return self.inner.begin()

    def add(self, sums: Sums, block: Block) -> None:
        """Add one fine block."""
        self.inner.add(sums, self.recode.block(block))

    def finish(self, sums: Sums) -> Sums:
        """As the inner kernel does."""
        return self.inner.finish(sums)

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """As the inner kernel does."""
        return self.inner.merge(parts)


class RecodedBlocks:
    """Fine blocks behind the handle of a coarse design; closing it leaves the fine blocks open."""

    def __init__(self, fine: Blocks, design: BlockDesign, recode: Recode) -> None:
        self.design, self._fine, self._recode = design, fine, recode

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        """One pass over the fine blocks."""
        return self._fine.sum(RecodedKernel(self._recode, kernel), purpose, every)

    def close(self) -> None:
        """Nothing to free: the fine blocks belong to who opened them."""


def recoded_blocks(fine: Blocks, design: BlockDesign, recode: Recode) -> Blocks:
    """Fine blocks in a coarse design: recoded once and kept where blocks lie in memory, else anew in every pass."""
    if isinstance(fine, MemoryBlocks):
        return fine.mapped(design, recode.block)
    return RecodedBlocks(fine, design, recode)


@dataclass(frozen=True)
class ManyKernels:
    """Several kernels whose sums have a fixed number of arrays, in one pass."""

    kernels: tuple[Kernel, ...]

    def _cut(self, sums: Sums, lengths: Sequence[int]) -> list[Sums]:
        return [sums[first:last] for first, last in pairwise(accumulate(lengths, initial=0))]

    @cached_property
    def _raw(self) -> list[int]:
        return [len(one.begin()) for one in self.kernels]

    def begin(self) -> Sums:
        """Empty sums of all kernels, one after the other."""
        return [array for one in self.kernels for array in one.begin()]

    def add(self, sums: Sums, block: Block) -> None:
        """Give the block to every kernel; arrays are added to in place."""
        for one, part in zip(self.kernels, self._cut(sums, self._raw), strict=True):
            one.add(part, block)

    def finish(self, sums: Sums) -> Sums:
        """Finished sums one after the other, behind their lengths."""
        parts = [one.finish(part) for one, part in zip(self.kernels, self._cut(sums, self._raw), strict=True)]
        return [np.array([len(part) for part in parts], dtype=np.float64), *(array for part in parts for array in part)]

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Merge kernel by kernel."""
        lengths = [int(one) for one in parts[0][0]]
        cut = [self._cut(part[1:], lengths) for part in parts]
        merged = [one.merge([part[at] for part in cut]) for at, one in enumerate(self.kernels)]
        return [np.array([len(part) for part in merged], dtype=np.float64), *(a for part in merged for a in part)]

    def answers(self, sums: Sums) -> list[Sums]:
        """Each kernel's own answer."""
        return self._cut(sums[1:], [int(one) for one in sums[0]])
