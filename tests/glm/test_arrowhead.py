"""One factor's many levels are eliminated: coefficients, errors and aliasing are those of the whole matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm
from glm_local.expressions.expression import Literal as Constant
from glm_local.glm import arrowhead
from glm_local.glm.arrowhead import Arrowhead
from glm_local.glm.basis import Basis
from glm_local.glm.design_columns import INTERCEPT, Column, DesignColumns
from glm_local.glm.information import (
    column_factor,
    independent_columns,
    inverse_diagonal,
    inverse_information,
    positive_definite,
    solve_information,
)
from glm_local.glm.sweep import Sweep
from glm_local.rows.blocks import BlockDesign


@dataclass(frozen=True)
class Design:
    """Rows of a design: an intercept perhaps, levels of factors, numerics, a weight by row."""

    columns: np.ndarray
    weight: np.ndarray
    numerics: int

    @property
    def information(self) -> np.ndarray:
        return np.asarray(self.columns.T @ (self.columns * self.weight[:, None]))


def indicators(codes: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(np.eye(size)[codes][:, 1:])


def random_design(
    seed: int, intercept: bool = True, sizes: tuple[int, ...] = (260, 7), numerics: int = 2, rows: int = 3_000
) -> Design:
    rng = np.random.default_rng(seed)
    parts = [np.ones((rows, 1))] if intercept else []
    for size in sizes:  # every level has a row, the first one most
        codes = np.concatenate([np.arange(size), rng.integers(0, size, rows - size) * (rng.random(rows - size) < 0.8)])
        parts.append(indicators(rng.permutation(codes), size))
    parts.append(rng.normal(size=(rows, numerics)))
    return Design(np.hstack(parts), rng.gamma(1.0, 1.0, rows), numerics)


def without_elimination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrowhead, "FEWEST_COLUMNS", 1_000_000)


DESIGNS: dict[str, dict[str, Any]] = {
    "an intercept": {},
    "no intercept": {"intercept": False},
    "the small factor first": {"sizes": (7, 260)},
    "two small factors around it": {"sizes": (12, 300, 9)},
    "two big factors": {"sizes": (300, 90)},
    "no numeric": {"numerics": 0},
    "nothing but levels": {"intercept": False, "numerics": 0, "sizes": (260,)},
}


@pytest.mark.parametrize("case", DESIGNS)
@pytest.mark.parametrize("ridge", [0.0, 3.0])
@pytest.mark.parametrize("size", [1.0, 1e-150, 1e150])
def test_what_is_solved_by_elimination_is_what_the_whole_matrix_gives(
    case: str, ridge: float, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = random_design(len(case), **DESIGNS[case])
    matrix = (design.information + ridge * np.eye(design.columns.shape[1])) * size
    right = np.random.default_rng(5).normal(size=len(matrix)) * size
    assert Arrowhead.of(matrix) is not None
    found = solve_information(matrix, right), inverse_diagonal(matrix), inverse_information(matrix)
    kept = independent_columns(matrix)
    assert positive_definite(matrix)
    without_elimination(monkeypatch)
    errors = np.sqrt(inverse_diagonal(matrix))
    assert (np.abs(found[0] - solve_information(matrix, right)) <= 1e-9 * errors * np.sqrt(size)).all()
    np.testing.assert_allclose(np.sqrt(found[1]), errors, rtol=1e-10)
    whole = inverse_information(matrix)
    assert (np.abs(found[2] - whole) <= 1e-10 * errors[:, None] * errors).all()
    assert (found[2] == found[2].T).all()
    assert kept.tolist() == independent_columns(matrix).tolist()


def test_columns_of_scales_far_apart_are_solved_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    design = random_design(3)
    scales = 10.0 ** np.random.default_rng(4).uniform(-60, 60, design.columns.shape[1])
    matrix = design.information * scales[:, None] * scales
    assert Arrowhead.of(matrix) is not None
    found = inverse_diagonal(matrix)
    without_elimination(monkeypatch)
    np.testing.assert_allclose(found, inverse_diagonal(matrix), rtol=1e-10)


def dependent(kind: str) -> Design:
    design = random_design(8, sizes=(260, 7), numerics=1)
    columns = design.columns.copy()
    if kind == "a level equal to another factor's":
        columns[:, 262] = columns[:, 40]
    elif kind == "levels that sum to the intercept":
        columns = np.hstack([columns[:, :260], (1 - columns[:, 1:260].sum(axis=1))[:, None], columns[:, 260:]])
    elif kind == "a numeric that is a sum of levels":
        columns[:, -1] = columns[:, 5] - 2 * columns[:, 9]
    elif kind == "a numeric nearly a sum of levels":
        columns[:, -1] = columns[:, 5] - 2 * columns[:, 9] + 2e-6 * columns[:, -1]
    else:
        columns[:, 77] = 0.0
    return Design(columns, design.weight, 1)


DEPENDENCES = (
    "a level equal to another factor's",
    "levels that sum to the intercept",
    "a numeric that is a sum of levels",
    "a numeric nearly a sum of levels",
    "a level without rows",
)


@pytest.mark.parametrize("kind", DEPENDENCES)
def test_what_is_aliased_is_decided_by_the_order_of_columns_as_ever(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = dependent(kind).information
    found = independent_columns(matrix)
    without_elimination(monkeypatch)
    assert found.tolist() == independent_columns(matrix).tolist()
    assert found.all() == (kind == "a numeric nearly a sum of levels")


@pytest.mark.parametrize("case", [case for case in DESIGNS if "numerics" not in DESIGNS[case]])
def test_what_explains_a_numeric_is_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    design = random_design(len(case), **DESIGNS[case])
    columns = design.columns.copy()
    columns[:, -1] = columns[:, 5] - 2 * columns[:, 9] + 0.3 * columns[:, -2] + 1e-2 * columns[:, -1]
    matrix = Design(columns, design.weight, design.numerics).information
    order, tolerance = np.arange(len(matrix)), np.full(len(matrix), 1e-10)
    eliminated = column_factor(matrix, order, tolerance, design.numerics)
    without_elimination(monkeypatch)
    whole = column_factor(matrix, order, tolerance, design.numerics)
    assert type(eliminated) is not type(whole)
    assert eliminated.pivots.tolist() == whole.pivots.tolist()
    for at in order[-design.numerics :].tolist():
        assert eliminated.left[at] == pytest.approx(whole.left[at], rel=1e-9)
        np.testing.assert_allclose(eliminated.explained(at), whole.explained(at), atol=1e-9)
    assert (eliminated.left <= whole.left * (1 + 1e-9)).all()


def test_a_matrix_without_a_large_diagonal_block_and_one_with_nan_are_left_to_the_whole() -> None:
    dense = np.random.default_rng(1).normal(size=(900, 300))
    assert Arrowhead.of(dense.T @ dense) is None
    assert Arrowhead.of(random_design(1, sizes=(150, 150)).information) is None
    for at in ((3, 3), (300, 0), (7, 260)):
        matrix = random_design(2, sizes=(300, 5)).information
        matrix[at] = matrix[at[::-1]] = np.nan
        assert Arrowhead.of(matrix) is None


def numeric_basis(rng: np.random.Generator, levels: int) -> Basis:
    names = (Column(INTERCEPT), *(Column("f", str(at)) for at in range(levels)), Column("x"), Column("z"))
    design = BlockDesign((), Constant(1.0), numerics={"x": Constant(1.0), "z": Constant(1.0)})
    columns = DesignColumns(design, names, {}, {"x": levels + 1, "z": levels + 2})
    basis = Basis.given(columns)
    return basis.with_matrix(basis.matrix + rng.normal(size=basis.matrix.shape) / 9, np.ones(2, dtype=bool))


def test_a_basis_is_applied_undone_and_penalised_as_its_whole_matrix() -> None:
    rng = np.random.default_rng(6)
    basis = numeric_basis(rng, 5)
    square, inner = basis.square(), rng.normal(size=8)
    np.testing.assert_allclose(basis.outer(inner), square @ inner, rtol=1e-13)
    np.testing.assert_allclose(basis.inner(square @ inner), inner, rtol=1e-12)
    bare = square.copy()
    bare[0] = 0.0
    np.testing.assert_allclose(basis.penalty(2.5), 2.5 * bare.T @ bare, rtol=1e-13, atol=1e-15)
    change = np.eye(8)
    change[:, 6:] += rng.normal(size=(8, 2)) / 5
    swept = Sweep(basis, np.zeros(8, dtype=bool), change[:, 6:])
    np.testing.assert_allclose(swept.coefficients(inner), np.linalg.solve(change, inner), rtol=1e-12)


def portfolio(rows: int = 4_000, levels: int = 320, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    big = np.concatenate([np.arange(levels), np.arange(levels), rng.integers(0, levels, rows - 2 * levels)])
    small, x = rng.integers(0, 6, rows), rng.normal(2_000.0, 3.0, rows)
    mean = np.exp(0.8 + 0.3 * np.sin(big) + 0.1 * small + 0.02 * (x - 2_000.0))
    return pd.DataFrame(
        {
            "big": [f"b{at:04d}" for at in big],
            "same": [f"s{at // 2:04d}" for at in big],
            "small": [f"s{at}" for at in small],
            "x": x,
            "z": x + rng.normal(0.0, 1e-4, rows),
            "exposure": rng.uniform(0.2, 1.0, rows),
            "claims": rng.poisson(mean * 3) + 1.0,
        }
    )


def levels_of(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "categorical",
        "column": name,
        "levels": "learn",
        "missing": "refuse",
        "unseen": "base",
    }


def line(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "linear", "column": name, "missing": "refuse"}


CROSS = {"name": "cross", "kind": "interaction", "factors": ["big", "small"], "unseen": "base"}
FITS: dict[str, dict[str, Any]] = {
    "levels alone, by cells": {"factors": [levels_of("big"), levels_of("small")], "solver": "cells"},
    "levels and a numeric far from 0": {"factors": [levels_of("small"), levels_of("big"), line("x")]},
    "numerics that nearly are one": {"factors": [levels_of("big"), line("x"), line("z")]},
    "a ridge": {"factors": [levels_of("big"), levels_of("small"), line("x")], "ridge": 2.0},
    "a ridge on aliased levels": {"factors": [levels_of("big"), levels_of("same")], "ridge": 0.5},
    "no intercept": {"factors": [levels_of("big"), levels_of("small"), line("x")], "intercept": False},
    "aliased levels": {"factors": [levels_of("big"), levels_of("same"), levels_of("small")]},
    "a link without a concave likelihood": {
        "factors": [levels_of("big"), levels_of("small")],
        "family": "gamma",
        "link": "identity",
    },
    "cells of an interaction": {"factors": [levels_of("big"), levels_of("small"), CROSS]},
}


@pytest.mark.parametrize("case", FITS)
def test_a_fit_by_elimination_is_the_fit_of_the_whole_matrix(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"family": "poisson", "exposure": "exposure", **FITS[case]}
    if asked.get("link") == "identity":
        asked.pop("exposure")
    frame = portfolio(levels=70, rows=6_000) if "cells of" in case else portfolio()
    eliminated = fit_glm(frame, target="claims", **asked).document
    without_elimination(monkeypatch)
    whole = fit_glm(frame, target="claims", **asked).document
    one, other = (
        pd.DataFrame([(line.status, line.estimate, line.std_error) for line in document.coefficients])
        for document in (eliminated, whole)
    )
    assert one[0].tolist() == other[0].tolist()
    fitted = (one[0] == "fitted").to_numpy()
    assert fitted.sum() > 200
    lost = max(1e-9, 1e-15 * (whole.convergence.condition_number or 0.0))
    assert ((one[1] - other[1]).abs()[fitted] <= lost * other[2][fitted]).all()
    np.testing.assert_allclose(one[2][fitted].astype(float), other[2][fitted].astype(float), rtol=10 * lost)
    assert eliminated.fingerprint == whole.fingerprint
    assert eliminated.statistics.deviance == pytest.approx(whole.statistics.deviance, rel=1e-12)
    if whole.convergence.condition_number is None:
        assert eliminated.convergence.condition_number is None
    else:
        assert eliminated.convergence.condition_number == pytest.approx(whole.convergence.condition_number, rel=0.1)
    for mine, theirs in zip(eliminated.covariance[::17], whole.covariance[::17], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=10 * lost * max(abs(one) for one in theirs))
