"""Rows grouped by their linear predictor: what gains without a closed form need of the current model.

Few distinct values of the linear predictor make groups of one value each, and nothing is lost. Otherwise its range is
cut into intervals of equal width, each represented by the weighted mean of the rows in it: the deviance then errs by
the curvature within an interval only, at most width^2 / 8 times the information.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.code_sums import Model
from glm_local.candidates.factor_sums import OffsetSums
from glm_local.candidates.study_rows import StudyRows
from glm_local.glm.design_columns import collapse
from glm_local.glm.kernels import responses
from glm_local.rows.blocks import Block, Sums, add_sums
from glm_local.scoring.model_spec import ModelDocument

Array = NDArray[np.float64]

GROUPS, FEWEST_GROUPS = 128, 16
MOST_SUMS = 4_000_000
"""Sums of the candidate with most codes; more would cost memory in every partition, so groups are fewer then."""


@dataclass(frozen=True)
class RangeKernel:
    """Distinct values of the linear predictor, given up above `most`; and its range.

    Finished sums: [distinct values (empty when given up)], [lowest, highest].
    """

    model: Model
    most: int

    def begin(self) -> Sums:
        """Nothing seen."""
        return [np.zeros(0), np.array([np.inf, -np.inf])]

    def add(self, sums: Sums, block: Block) -> None:
        """Add the values of one block."""
        if not block.rows:
            return
        values = self.model.means.linear_predictor(self.model.recode.block(block))
        ends = sums[1]
        ends[:] = min(ends[0], values.min()), max(ends[1], values.max())
        if len(sums[0]) <= self.most:
            sums[0] = np.unique(np.concatenate([sums[0], values]))[: self.most + 1]

    def finish(self, sums: Sums) -> Sums:
        """As they are."""
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """The union of values, the widest range."""
        values = np.unique(np.concatenate([part[0] for part in parts]))[: self.most + 1]
        ends = np.array([min(part[1][0] for part in parts), max(part[1][1] for part in parts)])
        return [values, ends]


@dataclass(frozen=True)
class OffsetKernel:
    """Weight, amount and weight * linear predictor by atom code, sample and group of the linear predictor."""

    model: Model
    edges: Array
    atoms: tuple[tuple[int, int], ...]
    sample: tuple[int, NDArray[np.intp]]
    samples: int

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.edges) + 1

    def begin(self) -> Sums:
        """Zeros: per atom (2, size * samples * groups), then (2, groups)."""
        width = self.samples * self.groups
        return [*(np.zeros((2, size * width)) for _, size in self.atoms), np.zeros((2, self.groups))]

    def add(self, sums: Sums, block: Block) -> None:
        """Add one fine block."""
        if not block.rows:
            return
        _, weight = responses(block)
        eta = self.model.means.linear_predictor(self.model.recode.block(block))
        group = np.searchsorted(self.edges, eta, side="left")
        at, sample_of = self.sample
        inner = np.take(sample_of, block.atoms[at]) * self.groups + group
        width = self.samples * self.groups
        for table, (atom, size) in zip(sums, self.atoms, strict=False):
            index = block.atoms[atom] * np.intp(width) + inner
            table[0] += np.bincount(index, weight, size * width)
            table[1] += np.bincount(index, block.amount, size * width)
        sums[-1][0] += np.bincount(group, weight, self.groups)
        sums[-1][1] += np.bincount(group, weight * eta, self.groups)

    def finish(self, sums: Sums) -> Sums:
        """As they are."""
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Added up."""
        return add_sums(parts)


@dataclass(frozen=True)
class OffsetGrid:
    """Groups of the linear predictor of one model.

    Parameters
    ----------
    edges
        Between groups, right-closed, shape (groups - 1,).
    exact
        Whether every group is one value.
    """

    model: Model
    edges: Array
    exact: bool

    @classmethod
    def of(cls, rows: StudyRows[Any], document: ModelDocument | None) -> OffsetGrid:
        """Lay out the groups under a model; one packed pass."""
        model = rows.kernel_model(document)
        largest = max(one.size for one in rows.design.atoms)
        most = int(np.clip(MOST_SUMS // (largest * rows.samples), FEWEST_GROUPS, GROUPS))
        values, (low, high) = rows.sum(RangeKernel(model, most), "linear predictor")
        if len(values) <= most:
            return cls(model, (values[1:] + values[:-1]) / 2, True)
        return cls(model, np.linspace(low, high, most + 1)[1:-1], False)

    def sums(self, rows: StudyRows[Any], names: Sequence[str]) -> dict[str, OffsetSums]:
        """Sums of every candidate by group; one packed pass."""
        design = rows.design
        atoms = tuple(sorted({design.atom_of(name) for name in names}))
        at = design.atom_of(rows.sample_field)
        sample_of = design.atoms[at].member_codes(rows.sample_field).astype(np.intp)
        sizes = tuple((atom, design.atoms[atom].size) for atom in atoms)
        kernel = OffsetKernel(self.model, self.edges, sizes, (at, sample_of), rows.samples)
        *tables, totals = rows.sum(kernel, "candidates by linear predictor")
        with np.errstate(invalid="ignore"):
            predictor = totals[1] / totals[0]
        used = totals[0] > 0
        answers = {}
        for name in names:
            atom = design.atom_of(name)
            one = design.atoms[atom]
            shape = (one.size, rows.samples, kernel.groups)
            table = tables[atoms.index(atom)].reshape(2, *shape)
            weight, amount = (collapse(part, one, one.members.index(name))[..., used] for part in table)
            visible = rows.visible_samples
            answers[name] = OffsetSums(
                rows.family, rows.link, predictor[used], weight[:, :visible], amount[:, :visible], self.exact
            )
        return answers
