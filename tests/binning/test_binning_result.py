"""What a binning result shows: figures, text and drawings, harmless whatever the names."""

from __future__ import annotations

import numpy as np

from glm_local.binning.categories import category_order, credibility, equal_runs
from glm_local.binning.factor_sums import PowerLogSums
from glm_local.binning.optimal_bins import optimal_bins
from glm_local.binning.proof import shape_of
from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.factors.factor_spec import CategoricalSpec
from tests.binning.binning_cases import category_candidate, made_rows

HOSTILE = ["<script>alert(1)</script>", "=cmd|'/C calc'!A1", 'a"b', "tab\tend"]


def hostile_result():
    spec = CategoricalSpec(name="<b>x</b>", column="x", levels=HOSTILE, missing="base", unseen="base")
    candidate = Candidate("<b>x</b>", spec)
    made = made_rows(np.random.default_rng(1), ("poisson", None), 4, rows=4000, samples=6, effect=1.2)
    return optimal_bins(made.sums(candidate, 5), candidate, BinningRules(size=4))


def test_names_from_the_data_are_harmless_in_html_and_drawings() -> None:
    result = hostile_result()
    for text in (result._repr_html_(), result.plot().svg(), result.plot_levels().svg()):
        assert "<script" not in text
        assert "<b>x" not in text
    assert "&lt;script&gt;" in result._repr_html_()


def test_the_summary_says_what_was_chosen_what_it_gains_and_what_is_proven() -> None:
    text = hostile_result().summary()
    assert "4 levels (optimal)" in text
    assert "without the factor" in text
    assert "No other grouping" in text


def test_no_factor_is_shown_too() -> None:
    candidate = category_candidate(20)
    made = made_rows(np.random.default_rng(2), ("poisson", None), 20, rows=600, samples=5, effect=0.0)
    result = optimal_bins(made.sums(candidate, 5), candidate, BinningRules(size=0))
    assert "no factor at all" in result.summary()
    assert "no factor at all" in result._repr_html_()


def test_shapes_are_named() -> None:
    shapes = {
        "constant": [1, 1],
        "ascending": [1, 1, 2],
        "descending": [2, 1],
        "peak": [0, 2, 2, 1],
        "valley": [1, 0, 3],
        "none": [0, 1, 0, 1],
    }
    assert {name: shape_of(values) for name, values in shapes.items()} == {name: name for name in shapes}


def test_thin_categories_are_drawn_to_the_mean_and_thick_ones_keep_their_experience() -> None:
    volume = np.array([2.0, 500.0, 500.0, 400.0, 2.0])
    ratio = np.array([2.0, 1.5, 0.6, 1.0, 0.0])
    candidate = category_candidate(5)
    made = made_rows(np.random.default_rng(0), ("poisson", None), 5, samples=4).sums(candidate, 4)
    fitted = np.outer(volume, [0.25, 0.25, 0.25, 0.25])
    gain = PowerLogSums(1.0, fitted * ratio[:, None], fitted)
    sums = type(made)(**{**made.__dict__, "fitted": fitted, "gain": gain})
    found = credibility(sums)
    assert found.factor[0] < 0.5 < found.factor[1]
    order = list(category_order(sums))
    assert order[0] == 2
    assert order[-1] == 1
    assert 0 < found.shrunk[0] < found.shrunk[1]


def test_categories_without_a_difference_are_ordered_by_their_total_excess() -> None:
    made = made_rows(np.random.default_rng(3), ("poisson", None), 6, rows=4000, samples=4, effect=0.0)
    sums = made.sums(category_candidate(6), 4)
    found = credibility(sums)
    order = category_order(sums)
    assert sorted(order) == list(range(6))
    if found.between == 0:
        excess = found.volume * (found.relative - np.average(found.relative, weights=found.volume))
        assert (np.diff(excess[order]) >= 0).all()


def test_many_units_become_runs_of_about_equal_weight_cut_where_told() -> None:
    runs = equal_runs(np.ones(1000), 10)
    assert np.bincount(runs).tolist() == [100] * 10
    cut = equal_runs(np.ones(1000), 10, frozenset({5}))
    assert cut[4] < cut[5]
    assert cut.max() + 1 <= 10
    assert equal_runs(np.zeros(7), 3).max() == 2
