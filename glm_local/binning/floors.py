"""What a level holds at least before it stands on its own: expected evidence, in the family's own units.

Alone, the relativity of a level has a relative variance of about dispersion / information, for counts 1 / expected
events: so many expected events, or what tells as much, are its evidence. Expected under the current model, never
observed: what a level holds does not depend on its own responses, so that no luck decides which levels there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.factor_sums import FactorSums, Gain, OffsetSums, QuadraticSums
from glm_local.inference.thin_levels import evidence_words

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Groups = tuple[tuple[int, ...], ...]

ROUNDING = 1e-12
"""Sums of doubles are judged with their rounding."""


@dataclass(frozen=True)
class Floors:
    """What every level holds at least in training; 0 is no floor.

    Parameters
    ----------
    rows, exposure, events
        Rows; weight (exposure); weighted response as it was observed.
    evidence
        Expected evidence; see `evidence_parts`.
    share
        Of the training weight (exposure).
    """

    rows: float = 0.0
    exposure: float = 0.0
    events: float = 0.0
    evidence: float = 0.0
    share: float = 0.0

    def document(self) -> dict[str, float]:
        """Those there are, as the history keeps them."""
        return {f"min_{name}": value for name, value in asdict(self).items() if value}

    def held(self, sums: FactorSums, added: Callable[[Array], Array]) -> Flags:
        """Which sets of fine codes hold the floors.

        Parameters
        ----------
        added
            Sums per fine code and sample, added up by set over the training folds.
        """
        weight = added(sums.weight)
        total = float(sums.weight[:, : sums.folds].sum())
        held: Flags = (
            (added(sums.rows) >= self.rows)
            & _reaches(weight, max(self.exposure, self.share * total))
            & _reaches(added(sums.amount), self.events)
        )
        if self.evidence:
            for part in evidence_parts(sums):
                held &= _reaches(added(part), self.evidence)
        return held

    def joined(self, sums: FactorSums, groups: Sequence[Sequence[int]]) -> Groups:
        """Neighbouring groups put together while their pool is below a floor; a last one that stays so goes back."""
        pools: list[tuple[int, ...]] = []
        for group in groups:
            if pools and not self._holds(sums, pools[-1]):
                pools[-1] += tuple(group)
            else:
                pools.append(tuple(group))
        if len(pools) > 1 and not self._holds(sums, pools[-1]):
            last = pools.pop()
            pools[-1] += last
        return tuple(pools)

    def _holds(self, sums: FactorSums, codes: Sequence[int]) -> bool:
        at = list(codes)
        return bool(self.held(sums, lambda values: np.asarray(values[at, : sums.folds].sum())))


NO_FLOORS = Floors()


def _reaches(total: Array, least: float) -> Flags:
    """Totals at or above a bound; no bound allows any."""
    reaches: Flags = (total >= least * (1 - ROUNDING)) | (least == 0)
    return reaches


def evidence_parts(sums: FactorSums) -> tuple[Array, ...]:
    """Expected evidence per fine code and sample in parts that add up; a set has the least of its sums.

    Information on the scale of relative changes over the dispersion, sum w m^2 / V(m) / dispersion: for Poisson the
    expected events; for Tweedie the events, for gamma the rows that would tell as much, and no more than there are
    rows. Shares: on the scale of log odds, sum w m (1 - m) / dispersion: for rows that are alike expected events
    * non-events / rows. Responses of any sign have no such scale: rows.
    """
    domain = domain_of(sums)
    if domain not in ("unit", "nonnegative", "positive"):
        return (sums.rows,)
    known = _information(sums.gain) / max(sums.dispersion, 1e-300)
    return (known, sums.rows) if domain == "positive" else (known,)


def domain_of(sums: FactorSums) -> str:
    """Domain of the family, as the sums tell it."""
    gain = sums.gain
    if isinstance(gain, OffsetSums):
        return gain.family.domain
    if isinstance(gain, QuadraticSums) or gain.power < 1:
        return "real"
    return "nonnegative" if gain.power < 2 else "positive"


def _information(gain: Gain) -> Array:
    """At dispersion 1, on the scale of log odds for shares, else of logs."""
    if isinstance(gain, OffsetSums):
        mean = gain.link.mean(gain.predictor)
        each = mean * (1 - mean) if gain.family.domain == "unit" else mean
        known: Array = gain.weight @ (each**2 / gain.family.variance(mean))
        return known
    return gain.b


def floors_words(floors: Floors, sums: FactorSums) -> str:
    """The floors in a sentence; empty where there are none."""
    parts: list[Any] = [
        (floors.rows, f"{floors.rows:,g} rows"),
        (floors.exposure, f"{floors.exposure:,g} of weight"),
        (floors.share, f"{floors.share:.3g} of the weight"),
        (floors.events, f"{floors.events:,g} events"),
        (floors.evidence, f"{floors.evidence:,g} {evidence_words(domain_of(sums), sums.dispersion)}"),
    ]
    said = [words for value, words in parts if value]
    return f"Every bin holds at least {', '.join(said)}." if said else ""
