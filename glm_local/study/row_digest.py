"""A fingerprint of packed rows: equal for equal rows in any order, on any engine, in one packed pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.sample_codes import GROUP
from glm_local.rows.blocks import Block, BlockDesign, Blocks, Sums, add_sums

Words = NDArray[np.uint64]

_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LIMBS = 4


@dataclass(frozen=True)
class RowDigestKernel:
    """Two 64-bit mixes of every row's packed values, added up modulo 2^64, and the rows counted.

    Sums do not depend on order or partitioning. It finds data that changed; it does not withstand someone who makes up
    rows to reach a given digest. `left_out` are atoms that say nothing new of a row.
    """

    left_out: tuple[int, ...] = ()

    def begin(self) -> Sums:
        """Zeros."""
        return [np.zeros(len(_SEEDS), dtype=np.uint64), np.zeros(1)]  # type: ignore[list-item]

    def add(self, sums: Sums, block: Block) -> None:
        """Mix and add one block."""
        for at, seed in enumerate(_SEEDS):
            mixed = np.full(block.rows, seed, dtype=np.uint64)
            for words in _columns(block, self.left_out):
                mixed = _mixed(mixed ^ words)
            sums[0][at : at + 1] += mixed.sum(dtype=np.uint64, keepdims=True)
        sums[1] += block.rows

    def finish(self, sums: Sums) -> Sums:
        """Each 64-bit sum as four 16-bit limbs, which doubles add exactly."""
        words = [int(one) for one in sums[0]]
        limbs = [[float(word >> 16 * at & 0xFFFF) for at in range(_LIMBS)] for word in words]
        return [np.array(limbs), sums[1]]

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Added up."""
        return add_sums(parts)


def _columns(block: Block, left_out: tuple[int, ...]) -> list[Words]:
    numbers = [block.amount, *(one for one in (block.weight, block.offset) if one is not None)]
    codes = [atom.astype(np.uint64) for at, atom in enumerate(block.atoms) if at not in left_out]
    return [*codes, *((one + 0.0).view(np.uint64) for one in numbers)]  # -0.0 and 0.0 are one number


def _mixed(word: Words) -> Words:
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    mixed: Words = word ^ (word >> np.uint64(31))
    return mixed


def row_digest(blocks: Blocks, design: BlockDesign) -> str:
    """SHA-256 of the digest and of what was packed, as ``rows:<64 digits>``. One packed pass."""
    own = tuple(at for at, atom in enumerate(design.atoms) if atom.members == (GROUP,))  # follows from the key alone
    limbs, rows = blocks.sum(RowDigestKernel(own), "data fingerprint")
    words = [sum(int(one) << 16 * at for at, one in enumerate(word)) % 2**64 for word in limbs]
    packed = [[one.name, one.size] for one in design.fields if one.name != GROUP]
    return "rows:" + hashlib.sha256(repr((packed, int(rows[0]), words)).encode()).hexdigest()
