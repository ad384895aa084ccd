"""A Poisson GAM of all candidates with one smoothing parameter per part of a term, as GAM packages fit it.

Numbers are cubic B-splines of ten functions with knots at quantiles (statsmodels' `BSplines`, which has the knots of
patsy and mgcv), penalised by the integral of the squared second derivative; categories are random intercepts. The
straight part of a spline has a penalty of its own, so that a term can vanish (Marra & Wood 2011; mgcv's
``select=TRUE``). Smoothing parameters are by Schall's iteration (Schall 1991; Wood & Fasiolo 2017 for splines), which
goes to what REML of the working model asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.gam.api import BSplines

Array = NDArray[np.float64]

FUNCTIONS = 10
MOST_STEPS = 60
WEIGHED_STEPS = 6
"""Steps that make the information anew; later ones hardly move the means, and their score is exact all the same."""
STILL = 0.01
"""Iterations end when no part's degrees of freedom move by more."""
FIRST = 10.0
LEAST, MOST = 1e-4, 1e8
"""Where a smoothing parameter begins, and its bounds."""


@dataclass(frozen=True)
class SplineTerm:
    """A number: its straight part and its bends, in coordinates in which each one's penalty is a sum of squares."""

    name: str
    basis: BSplines
    low: float
    high: float
    parts: tuple[Array, ...]
    centre: Array

    @classmethod
    def of(cls, name: str, value: Array) -> SplineTerm:
        """The term of a column's training values."""
        basis = BSplines(value[:, None], df=[FUNCTIONS], degree=[3])
        root, turned = np.linalg.eigh(basis.penalty_matrices[0])
        straight = root < 1e-8 * root.max()
        bends = turned[:, ~straight] / np.sqrt(root[~straight])
        centre = np.asarray(basis.basis.mean(axis=0))
        # A unit of the straight part is a standard deviation of what it adds to the linear predictor.
        spread = (basis.basis @ turned[:, straight]).std(axis=0)
        return cls(name, basis, value.min(), value.max(), (turned[:, straight] / spread, bends), centre)

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(part.shape[1] for part in self.parts)

    def columns(self, frame: pd.DataFrame) -> list[Array]:
        """Columns of each part; values beyond the training ones count as the nearest of them."""
        value = frame[self.name].to_numpy(dtype=float).clip(self.low, self.high)
        centred = self.basis.transform(value[:, None]) - self.centre
        return [centred @ part for part in self.parts]


@dataclass(frozen=True)
class LevelTerm:
    """A category: one column per level seen in training."""

    name: str
    levels: tuple[str, ...]
    shares: Array

    @classmethod
    def of(cls, name: str, value: pd.Series) -> LevelTerm:
        """The term of a column's training values."""
        counts = value.value_counts(normalize=True).sort_index()
        return cls(name, tuple(counts.index), counts.to_numpy(dtype=float))

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.levels)

    def columns(self, frame: pd.DataFrame) -> list[Array]:
        """Columns of its one part, centred."""
        code = pd.Categorical(frame[self.name], categories=list(self.levels)).codes
        return [(code[:, None] == np.arange(len(self.levels))).astype(float) - self.shares]


@dataclass
class PenalisedFit:
    """A Poisson fit with a log link on its way: parts of columns, each with a penalty of its own or none.

    Parameters
    ----------
    columns, response, part_of, penalised
        The rows; the part of each column; whether each part has a penalty.
    coefficients, information
        As they are now.
    smoothing, used
        Smoothing parameters of the next step, and of the last one.
    freedom
        Degrees of freedom of each part.
    """

    columns: Array
    response: Array
    part_of: NDArray[np.intp]
    penalised: NDArray[np.bool_]
    coefficients: Array
    information: Array
    smoothing: Array
    used: Array
    freedom: Array

    @classmethod
    def begun(
        cls, columns: Array, response: Array, part_of: NDArray[np.intp], penalised: NDArray[np.bool_]
    ) -> PenalisedFit:
        """At the mean of the response."""
        coefficients = np.zeros(columns.shape[1])
        coefficients[0] = np.log(response.mean())
        smoothing = np.where(penalised, FIRST, 0.0)
        sizes = np.bincount(part_of).astype(float)
        empty = np.zeros((0, 0))
        return cls(columns, response, part_of, penalised, coefficients, empty, smoothing, smoothing, sizes)

    def stepped(self, weighed: bool) -> float:
        """One Newton step and one of Schall's; how far the degrees of freedom of some part moved.

        Parameters
        ----------
        weighed
            Whether the information is made anew.
        """
        fitted = np.exp(self.columns @ self.coefficients)
        if weighed:
            self.information = self.columns.T @ (self.columns * fitted[:, None])
        penalty = self.smoothing[self.part_of]
        inverse = np.linalg.inv(self.information + np.diag(penalty))
        score = self.columns.T @ (self.response - fitted) - penalty * self.coefficients
        self.coefficients = self.coefficients + inverse @ score
        before, self.used = self.freedom, self.smoothing
        shrunk = np.bincount(self.part_of, np.diag(inverse)) * self.smoothing
        self.freedom = np.bincount(self.part_of) - shrunk
        squares = np.bincount(self.part_of, self.coefficients**2)
        updated = np.clip(self.freedom / np.maximum(squares, 1e-12), LEAST, MOST)
        self.smoothing = np.where(self.penalised, updated, 0.0)
        return float(np.abs(self.freedom - before).max())


@dataclass
class SplineGam:
    """The model; `fit` it, then `predict`.

    Parameters
    ----------
    names
        Columns; text becomes random intercepts, numbers splines.
    vanishing
        Whether the straight part of a spline has a penalty too; else it is fitted as it is.
    """

    names: Sequence[str]
    vanishing: bool = True
    terms: list[SplineTerm | LevelTerm] = field(default_factory=list)
    coefficients: Array = field(default_factory=lambda: np.zeros(0))
    freedom: Array = field(default_factory=lambda: np.zeros(0))
    smoothing: Array = field(default_factory=lambda: np.zeros(0))

    def fit(self, frame: pd.DataFrame, target: str = "y") -> SplineGam:
        """Fit all terms and their smoothing parameters."""
        self.terms = [_term(frame, name) for name in self.names]
        columns, part_of = self._design(frame)
        fit = PenalisedFit.begun(columns, frame[target].to_numpy(dtype=float), part_of, self._penalised())
        for step in range(MOST_STEPS):
            if fit.stepped(weighed=step < WEIGHED_STEPS) < STILL:
                break
        self.coefficients, self.freedom, self.smoothing = fit.coefficients, fit.freedom, fit.used
        return self

    def effects(self, frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
        """What some terms add to the linear predictor of rows."""
        effects, at = {}, 1
        for term in self.terms:
            size = term.width
            if term.name in names:
                effects[term.name] = np.hstack(term.columns(frame)) @ self.coefficients[at : at + size]
            at += size
        return pd.DataFrame(effects)

    def predict(self, frame: pd.DataFrame) -> Array:
        """Means of rows."""
        linear = self.coefficients[0] + self.effects(frame, self.names).sum(axis=1).to_numpy()
        return np.asarray(np.exp(linear))

    def _design(self, frame: pd.DataFrame) -> tuple[Array, NDArray[np.intp]]:
        """Columns, the intercept first, and the part each belongs to."""
        parts = [np.ones((len(frame), 1)), *(part for term in self.terms for part in term.columns(frame))]
        return np.hstack(parts), np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])

    def _penalised(self) -> NDArray[np.bool_]:
        """Whether each part has a penalty; the intercept has none."""
        flags = [[True] if isinstance(term, LevelTerm) else [self.vanishing, True] for term in self.terms]
        return np.array([False, *(flag for of_term in flags for flag in of_term)])


def _term(frame: pd.DataFrame, name: str) -> SplineTerm | LevelTerm:
    value = frame[name]
    if pd.api.types.is_numeric_dtype(value):
        return SplineTerm.of(name, value.to_numpy(dtype=float))
    return LevelTerm.of(name, value)
