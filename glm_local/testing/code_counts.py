"""Awkward rows, and a kernel that counts them: what engines are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from glm_local.rows.blocks import FAULTS, Block, BlockDesign, Sums, add_sums
from glm_local.testing.engine_answers import HOSTILE


def hostile_rows(rows: int, seed: int = 1) -> pa.Table:
    """Return `rows` rows of every awkward value, a key, a response, a weight and an exposure."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {"key": pa.array(np.arange(rows, dtype=np.int64))}
    for name, (kind, values) in HOSTILE.items():
        picked = random.integers(0, len(values), rows)
        columns[name] = pa.array([values[i] for i in picked], kind, from_pandas=False)
    columns["amount"] = pa.array(random.lognormal(3, 2, rows), pa.float64())
    columns["y"] = pa.array(random.poisson(0.3, rows).astype(np.float64))
    columns["w"] = pa.array(random.choice([0.5, 1.0, 2.25], rows))
    columns["e"] = pa.array(random.uniform(0.01, 1.0, rows))
    return pa.table(columns)


@dataclass(frozen=True)
class CodeCounts:
    """A kernel: rows per code of every atom, sums of amount and weight, faults, numerics' sums."""

    design: BlockDesign

    def begin(self) -> Sums:
        """Empty sums."""
        return [*(np.zeros(atom.size) for atom in self.design.atoms), np.zeros(4), np.zeros(len(FAULTS))]

    def add(self, sums: Sums, block: Block) -> None:
        """Add one block."""
        for counts, codes in zip(sums, block.atoms, strict=False):
            counts += np.bincount(codes, minlength=len(counts))
        weight = block.weight.sum() if block.weight is not None else block.rows
        sums[-2] += [block.rows, block.amount.sum(), weight, block.numerics.sum()]
        sums[-1] += block.faults

    def finish(self, sums: Sums) -> Sums:
        """Nothing to shorten."""
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Add the parts."""
        return add_sums(parts)
