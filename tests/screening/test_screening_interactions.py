"""Pairs of factors: tested net of their margins, in one pass, and a true interaction comes first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from glm_local.errors import DataError
from glm_local.families.families import family_from
from glm_local.families.links import link_from
from glm_local.screening.find_interactions import find_interactions
from glm_local.screening.interaction_ranking import InteractionRanking
from glm_local.screening.pair_cells import PairCells
from glm_local.screening.tested_levels import ScreeningRules
from tests.benchmarks.honesty.made_studies import packed, planted_pair, thin_cells
from tests.doubles import OpaqueEngine, opaque
from tests.screening.screening_rows import ALL_TRAIN, claims, every_level, study_rows


def crossed(seed: int, effect: float, rows: int = 8_000) -> pd.DataFrame:
    """Factors of 2, 2, 12 and 12 levels; the first two act together with `effect`."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"id": np.arange(rows)}
        | {name: draw.integers(0, size, rows).astype(str) for name, size in zip("abcd", (2, 2, 12, 12), strict=True)}
    )
    first, second = frame["a"] == "1", frame["b"] == "1"
    exposure = draw.uniform(0.3, 1, rows)
    rate = np.exp(-1.2 + 0.2 * first + 0.1 * second + effect * (first & second))
    return frame.assign(exposure=exposure, y=draw.poisson(exposure * rate).astype(float))


def ranked(frame: pd.DataFrame, **options: Any) -> InteractionRanking:
    rows = study_rows(frame, list("abcd"), ALL_TRAIN, exposure="exposure")
    return find_interactions(rows, rows.fit([every_level(rows, name) for name in "abcd"]), **options)


def pearson_first(found: InteractionRanking) -> tuple[str, str]:
    """The pair a Pearson test of actual against predicted counts per cell would put first."""
    p_values = {}
    for pair, cells in found.cells.items():
        statistic = ((cells["actual"] - cells["predicted"]) ** 2 / cells["predicted"]).sum()
        p_values[pair] = chi2.sf(statistic, len(cells) - 1)
    return min(p_values, key=p_values.__getitem__)


def first_pair(found: InteractionRanking) -> tuple[str, str]:
    return str(found.table["first"][0]), str(found.table["second"][0])


@pytest.mark.parametrize("effect", [0.4, 0.8])
def test_a_true_interaction_comes_first_at_least_as_often_as_by_a_pearson_test(effect: float) -> None:
    found = [ranked(crossed(seed, effect)) for seed in range(12)]
    ours = sum(first_pair(one) == ("a", "b") for one in found)
    assert ours >= sum(pearson_first(one) == ("a", "b") for one in found)
    assert ours == 12


@pytest.fixture(scope="module")
def strong() -> InteractionRanking:
    return ranked(crossed(3, 0.8))


def test_only_the_true_pair_is_discovered_and_every_fold_agrees(strong: InteractionRanking) -> None:
    assert strong.discoveries() == [("a", "b")]
    line = strong.table.iloc[0]
    assert (line["df"], line["cells"], line["stability"]) == (1, 4, 1.0)
    assert line["fold_correlation"] == pytest.approx(1)
    assert "a × b" in strong.summary()


def test_the_score_test_of_a_pair_is_near_its_likelihood_ratio() -> None:
    rows = study_rows(crossed(1, 0.3), list("abcd"), ALL_TRAIN, exposure="exposure")
    factors = [every_level(rows, name) for name in "abcd"]
    model = rows.fit(factors)
    table = find_interactions(rows, model).table.set_index(["first", "second"])
    for pair in (("a", "b"), ("a", "c")):
        crossing = {"kind": "interaction", "name": "x", "factors": list(pair), "unseen": "base"}
        larger = rows.fit([*factors, crossing])
        gain = model.statistics.deviance - larger.statistics.deviance
        line = table.loc[pair]
        assert line["df"] == larger.statistics.parameters - model.statistics.parameters
        assert line["statistic"] == pytest.approx(gain, rel=0.03)


def test_a_pair_the_model_has_is_not_tested_again() -> None:
    rows = study_rows(crossed(1, 0.3), list("abcd"), ALL_TRAIN, exposure="exposure")
    crossing = {"kind": "interaction", "name": "x", "factors": ["a", "b"], "unseen": "base"}
    model = rows.fit([every_level(rows, "a"), every_level(rows, "b"), crossing])
    line = find_interactions(rows, model).table.iloc[0]
    assert line["df"] == 0
    assert math.isnan(line["p_value"])


def test_all_pairs_cost_one_packed_pass() -> None:
    rows = study_rows(crossed(1, 0.3), list("abcd"), ALL_TRAIN, exposure="exposure")
    model = rows.fit([every_level(rows, name) for name in "abcd"])
    with rows.engine.passes.counting() as counter:
        table = find_interactions(rows, model).table
    assert (counter.raw, counter.packed, len(table)) == (0, 1, 6)


def test_net_of_the_margins_alone_a_pair_is_never_overstated() -> None:
    frame = crossed(2, 0.3)
    draw = np.random.default_rng(0)
    frame["c"] = np.where(draw.random(len(frame)) < 0.7, frame["a"], frame["c"])
    full, cheap = (
        ranked(frame, net_of=one).table.set_index(["first", "second"]).sort_index() for one in ("model", "margins")
    )
    assert (cheap["statistic"] <= full["statistic"] * (1 + 1e-9)).all()
    assert set(cheap["adjusted_for"]) == {"margins"}


def test_thin_cells_are_pooled_before_the_test() -> None:
    frame = crossed(4, 0.0)
    frame["c"] = np.where(frame["id"] % 400 == 0, "rare", frame["c"])
    found = ranked(frame, rules=ScreeningRules(min_rows=40, min_evidence=5))
    line = found.table.set_index(["first", "second"]).loc[("c", "d")]
    cells = found.pair_cells("c", "d")
    assert cells["pooled"].sum() == line["thin_cells"] > 0
    assert cells.loc[cells["pooled"], "deviation"].isna().all()
    assert (cells.loc[~cells["pooled"], "rows"] >= 40).all()
    assert line["tested_cells"] == (~cells["pooled"]).sum()


def test_cells_add_up_to_the_training_rows(strong: InteractionRanking) -> None:
    frame = crossed(3, 0.8)
    for pair, cells in strong.cells.items():
        assert cells["rows"].sum() == len(frame)
        assert cells["actual"].sum() == frame["y"].sum()
        assert cells["predicted"].sum() == pytest.approx(frame["y"].sum())
        by_hand = frame.groupby(list(pair))["y"].sum()
        assert cells.set_index(["row", "column"])["actual"].sort_index().tolist() == by_hand.tolist()


def test_cells_are_found_in_either_order_and_the_worst_first(strong: InteractionRanking) -> None:
    turned = strong.pair_cells("d", "c")
    assert turned["row"].tolist() == strong.pair_cells("c", "d")["column"].tolist()
    top = strong.top_cells("c", "d", 5)
    assert top["deviation"].abs().is_monotonic_decreasing
    assert len(top) == 5
    with pytest.raises(DataError, match="was not tested"):
        strong.pair_cells("a", "z")


def test_named_pairs_may_be_candidates_outside_the_model() -> None:
    frame = claims(6_000, 7)
    both = (frame["strong"] == "a") & (frame["wave"] > 0)
    frame["y"] += np.random.default_rng(0).poisson(0.8 * both)
    rows = study_rows(frame, ["area", "strong", "wave", "group"], ALL_TRAIN, exposure="exposure")
    model = rows.fit([every_level(rows, "area")])
    pairs = [("strong", "wave"), ("area", "group")]
    table = find_interactions(rows, model, pairs, rules=ScreeningRules(bands=4)).table
    assert first_pair(find_interactions(rows, model, pairs)) == ("strong", "wave")
    assert table["p_value"][0] < 1e-6
    assert table["p_value"][1] > 0.01


def thin_pair(seed: int = 5) -> pd.DataFrame:
    """Two factors of six levels, the cell a4 × b2 of 15 rows; nothing acts."""
    return thin_cells(seed, "poisson")


def test_a_pair_with_a_thin_cell_is_tested_on_the_cells_a_fit_gives_it() -> None:
    rows = study_rows(thin_pair(), ["a", "b"], ALL_TRAIN)
    model = rows.fit([every_level(rows, "a"), every_level(rows, "b")])
    found = find_interactions(rows, model)
    cells = found.pair_cells("a", "b")
    own = cells[cells["status"] == "own"]
    assert found.table["df"][0] == len(own) < 25
    assert cells.set_index(["row", "column"]).loc[("a4", "b2"), ["status", "pooled"]].tolist() == ["thin", True]
    crossing = {
        "kind": "interaction",
        "name": "x",
        "factors": ["a", "b"],
        "unseen": "base",
        "learned": {"cells": own[["row", "column"]].to_numpy().tolist()},
    }
    larger = rows.fit([*model.factors, crossing])
    assert larger.statistics.parameters - model.statistics.parameters == len(own)
    gain = model.statistics.deviance - larger.statistics.deviance
    assert found.table["statistic"][0] == pytest.approx(gain, rel=0.1)


def test_a_level_left_with_thin_cells_keeps_its_largest_with_the_margins() -> None:
    rows = np.array([[500.0, 400, 300], [8, 90, 60], [200, 150, 100]])
    found = PairCells.of(rows, rows, (0, 0), ScreeningRules())
    assert found.own.astype(int).tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1]]


def test_a_silent_cell_and_a_silent_margin_have_no_effect_of_their_own() -> None:
    rows = np.full((3, 3), 400.0)
    found = PairCells.of(rows, rows / 10, (0, 0), ScreeningRules())
    events = np.array([[9.0, 9, 9], [0, 9, 7], [9, 0, 9]])
    fitted = found.fitted(family_from("poisson"), link_from("log"), rows, rows, events)
    # Row 1 would be left to a cell without events, so one that has some goes with it; cell (2, 1) has none itself.
    assert fitted.astype(int).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 1]]
    words = found.status(fitted, events == 0)
    assert words.tolist() == [["base"] * 3, ["base", "margin", "own"], ["base", "no events", "own"]]


def test_a_pair_without_a_test_says_why() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.arange(900), "a": draw.choice(list("pq"), 900), "b": draw.choice(list("uv"), 900)})
    frame["y"] = (frame["id"] < 30).astype(float)
    rows = study_rows(frame, ["a", "b"], ALL_TRAIN)
    found = find_interactions(rows, rows.fit([every_level(rows, "a"), every_level(rows, "b")]))
    assert math.isnan(found.table["p_value"][0])
    why = "not tested: beside the base levels no cell holds 30 rows and 10 expected events"
    assert found.table["flags"][0] == why
    assert why in found.summary()
    assert why in found._repr_html_()


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_pair_of_candidates_without_effects_of_their_own_is_found(seed: int) -> None:
    rows = packed(planted_pair(seed, 0.3), ["x", "z"])
    line = find_interactions(rows, rows.fit([]), [("x", "z")]).table.iloc[0]
    assert line["p_value"] < 1e-6


def test_a_pair_needs_two_known_factors() -> None:
    rows = study_rows(claims(1_000, 1), ["area", "group"], ALL_TRAIN)
    model = rows.fit([every_level(rows, "area")])
    with pytest.raises(DataError, match="area"):
        find_interactions(rows, model, [("are", "group")])
    with pytest.raises(DataError, match="two factors"):
        find_interactions(rows, model, [("area", "area")])
    assert find_interactions(rows, model).table.empty


def test_finding_interactions_never_touches_rows() -> None:
    rows = study_rows(opaque(crossed(1, 0.8)), list("abcd"), engine=OpaqueEngine(), exposure="exposure")
    model = rows.fit([every_level(rows, name) for name in "abcd"])
    assert first_pair(find_interactions(rows, model)) == ("a", "b")


def test_foreign_level_names_are_harmless() -> None:
    frame = crossed(1, 0.8)
    frame["<b>x</b>"] = np.where(frame["a"] == "1", "<script>alert(1)</script>", "=cmd")
    rows = study_rows(frame, ["<b>x</b>", "b"], ALL_TRAIN, exposure="exposure")
    found = find_interactions(rows, rows.fit([every_level(rows, "<b>x</b>"), every_level(rows, "b")]))
    shown = found._repr_html_() + found.plot().svg()
    assert "<b>x" not in shown
    assert "&lt;b&gt;" in shown
