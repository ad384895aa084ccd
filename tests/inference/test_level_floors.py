"""Levels that hold too little: none is made by itself, those made by hand are named, what is left of them is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.floors import domain_of, evidence_parts
from glm_local.binning.rules import BinningRules
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.errors import ArgumentError, ConfigError
from glm_local.inference.credible_levels import credible, credible_estimates, credible_relativities
from glm_local.inference.thin_levels import thin_levels
from glm_local.job.study_config import BinningSection
from glm_local.job.study_rules import binning_rules
from glm_local.models.model_lines import coefficient_rows
from glm_local.on_pandas.fitting import fit_glm
from glm_local.on_pandas.studies import GLMStudy
from glm_local.reports.verdict import plain_verdict
from glm_local.screening.candidate_levels import CandidateLevels
from glm_local.screening.score_pass import CurrentModel
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study.proposing import optimized, read_rules, rules_document
from glm_local.study.report import study_content
from glm_local.workflow.rules import WorkflowRules

FAMILIES = {
    "poisson": {},
    "binomial": {"family": "binomial"},
    "gamma": {"family": "gamma", "link": "log"},
    "gaussian": {"family": "gaussian"},
}


def rows_of(family: str = "poisson", rows: int = 3_000, seed: int = 0) -> pd.DataFrame:
    """A whole number and a category whose rare values differ much, by luck and by nature."""
    draw = np.random.default_rng(seed)
    age = np.minimum(draw.geometric(0.15, rows), 40)
    town = draw.choice([f"t{at:02d}" for at in range(30)], rows, p=np.arange(30, 0, -1) / 465)
    effect = 0.8 * (age > 22) - 0.5 * (age < 3) + 0.9 * np.isin(town, ["t27", "t28", "t29"]) + 0.4 * (town < "t08")
    mean = np.exp(effect - 2.0)
    y = {
        "poisson": lambda: draw.poisson(mean),
        "binomial": lambda: draw.random(rows) < np.minimum(mean, 0.9),
        "gamma": lambda: draw.gamma(1.0, mean),
        "gaussian": lambda: draw.normal(mean, 0.1),
    }[family]()
    gone = np.where(draw.random(rows) < 0.01, np.nan, age)
    return pd.DataFrame({"id": np.arange(rows), "y": np.asarray(y, dtype=float), "age": gone, "town": town})


def study_of(family: str = "poisson", **asked: Any) -> GLMStudy:
    known = {"target": "y", "key": "id", "user": "ann", "name": "s", "candidates": ["age", "town"], **FAMILIES[family]}
    return GLMStudy(rows_of(family), **{**known, **asked})


def own_levels(study: GLMStudy, name: str) -> pd.DataFrame:
    """A factor's levels in training, without what follows the base."""
    table = study.factor(name).bin_table()
    return table[~table["level"].str.contains("(as ", regex=False)]


def held(study: GLMStudy, name: str, apart: bool = False) -> float:
    """Least evidence of a bin of a factor's proposal, or of its level for missing values, before the factor."""
    table = own_levels(study, name)
    table = table[(table["level"] == "missing") == apart]
    if table.empty:
        return float("inf")
    if study.bench.rows.family.domain == "unit":
        return float((table["predicted"] * (1 - table["predicted"] / table["exposure"])).min())
    if study.bench.rows.family.domain == "nonnegative":
        return float(table["predicted"].min())
    return float(table["rows"].min())


@pytest.mark.parametrize("family", list(FAMILIES))
def test_no_level_that_is_made_by_itself_holds_less_than_its_family_asks_for(family: str) -> None:
    study = study_of(family)
    for made in (
        study.factor("age").optimize(size=6),
        study.factor("town").optimize(size=6),
        study.factor("age").coarse_bins(60),
        study.factor("town").target_order(25),
    ):
        if made.spec is not None:
            least = 10 if family in ("poisson", "binomial") else 20
            assert held(study, made.name) >= least * (1 - 1e-9)
            assert held(study, made.name, apart=True) >= least / 2 * (1 - 1e-9)


def test_missing_values_need_half_the_evidence_for_a_level_of_their_own_as_no_search_chose_them() -> None:
    for gone, alone in ((60, True), (24, False)):
        frame = rows_of()
        frame["age"] = np.where(frame["id"] < gone, np.nan, frame["age"].fillna(5))
        study = GLMStudy(frame, target="y", key="id", user="ann", name="s", candidates=["age", "town"])
        study.factor("age").optimize(size=4)
        expected = study.factor("age").bin_table().set_index("level")["predicted"].filter(like="missing").iloc[0]
        assert (5 <= expected < 10) if alone else (expected < 5)
        assert ("missing" in own_levels(study, "age")["level"].tolist()) is alone
        if alone:
            kept = study.accept("age", reason="to look at its rows").factor("age").bin_table().set_index("level")
            assert kept.loc["missing", "predicted"] == pytest.approx(kept.loc["missing", "actual"], rel=1e-9)
            study.remove("age", reason="back")
        study.factor("age").optimize(size=4, min_evidence=10)
        assert "missing" not in own_levels(study, "age")["level"].tolist()


def test_without_a_floor_there_would_be_thin_levels() -> None:
    study = study_of()
    study.factor("town").optimize(size=8, min_evidence=0)
    assert held(study, "town") < 10


def test_a_whole_study_makes_no_thin_level_and_its_page_says_none() -> None:
    study = study_of().auto_design()
    assert study.accepted
    assert thin_levels(study.current().model) == {}
    verdict = plain_verdict(study_content(study, None, "", ""))
    assert "is thin" not in verdict
    assert "are thin" not in verdict


def test_credit_asks_for_ten_events_and_non_events_at_least_and_a_twentieth_of_the_weight() -> None:
    study = study_of("binomial")
    study.factor("town").optimize(size=4, profile="credit")
    table = own_levels(study, "town")
    assert held(study, "town") >= 10 * (1 - 1e-9)
    assert (table["predicted"] > 10).all()
    assert (table["exposure"] - table["predicted"] > 10).all()
    assert table["exposure"].min() >= 0.05 * table["exposure"].sum() * (1 - 1e-9)
    study = study_of("binomial").auto_design(profile="credit")
    for name in study.accepted:
        table = own_levels(study, name)
        assert table["exposure"].min() >= 0.05 * table["exposure"].sum() * (1 - 1e-9)
    assert "profile" in study._history.events[-1].payload["plan"]["rules"]


def test_floors_that_are_given_win_over_those_of_the_profile() -> None:
    assert BinningRules(min_events=3).floors().document() == {"min_events": 3}
    assert BinningRules(min_rows=7).floors().document() == {"min_rows": 7}
    assert BinningRules(min_rows=7, min_evidence=9).floors().document() == {"min_rows": 7, "min_evidence": 9}
    assert BinningRules(min_exposure=9, profile="credit").floors().document() == {"min_exposure": 9, "min_evidence": 10}
    study = study_of()
    study.factor("town").optimize(size=8, min_events=1)
    assert held(study, "town") < 10


def test_values_kept_apart_stand_alone_however_few_they_are() -> None:
    frame = rows_of()
    frame.loc[frame.index % 500 == 0, "age"] = 99
    asked = [{"kind": "numeric", "name": "age", "column": "age", "special": [99]}]
    study = GLMStudy(frame, target="y", key="id", name="s", candidates=asked)
    labels = list(study.factor("age").candidate.labels)
    last = next(at for at, one in enumerate(labels) if "99" in one and not one.startswith("("))
    rules = BinningRules(apart=[(labels[last - 1], labels[last])])
    spec = study.factor("age").optimize(rules).spec
    assert spec is None or thin_levels(study.accept("age", spec, "kept apart").current().model)


def test_what_was_applied_is_in_the_history_and_in_the_specification() -> None:
    study = study_of()
    study.factor("town").optimize()
    proposed = study._history.events[-1].payload
    assert proposed["evidence"]["floors"] == {"min_evidence": 10}
    assert proposed["evidence"]["rules"]["profile"] == "insurance"
    assert "Every bin holds at least 10 expected events." in " ".join(proposed["spec"]["notes"])
    study.factor("age").coarse_bins(5)
    assert study._history.events[-1].payload["evidence"]["floors"] == {"min_evidence": 10}


def test_rules_of_a_history_from_before_have_the_floors_they_had() -> None:
    before = {**rules_document(BinningRules()), "min_rows": 0.0, "min_exposure": 0.0, "min_events": 5.0}
    for name in ("profile", "min_evidence", "min_share"):
        del before[name]
    found = read_rules(before)
    assert found is not None
    assert found.floors().document() == {"min_events": 5}


def test_a_floor_nothing_reaches_is_named_with_its_profile() -> None:
    frame = rows_of().assign(y=lambda one: (one.index % 600 == 0).astype(float))
    study = GLMStudy(frame, target="y", key="id", name="s", candidates=["age"])
    block = study.factor("age").optimize(size=2)
    assert block.spec is None
    assert block.result is not None
    assert "min_evidence 10 (profile insurance)" in block.result.proof.guarantee


BY_HAND = {
    "kind": "categorical",
    "name": "town",
    "column": "town",
    "missing": "base",
    "unseen": "base",
    "levels": [{"level": "many", "values": [f"t{at:02d}" for at in range(29)]}, "t29"],
}


def test_thin_levels_made_by_hand_are_named_on_the_page_in_the_history_and_in_the_summary() -> None:
    study = study_of()
    study.accept("town", BY_HAND, "a modeller's choice")
    evidence = study._history.events[-1].payload["evidence"]
    assert list(evidence["thin_levels"]) == ["town=t29"]
    content = study_content(study, None, "", "")
    verdict = plain_verdict(content)
    assert "1 level is thin: town = t29 (" in verdict
    assert "None of the 1 factor levels that hold enough to tell" in verdict
    page = study.report()
    assert page.count("expected events, less than 10") >= 3
    assert "1 thin level" in page
    assert "! 1 level is thin: town=t29" in study.model.summary()
    assert "Credibility-weighted" in page


def test_levels_in_the_credit_profile_are_thin_below_a_twentieth() -> None:
    study = study_of("binomial")
    spec = {**BY_HAND, "levels": [{"level": "rest", "values": [f"t{at:02d}" for at in range(30) if at != 20]}, "t20"]}
    study.accept("town", spec, "by hand")
    model = study.current().model
    few = thin_levels(model)["town=t20"]
    assert "expected events × non-events / rows" in few
    assert "less than 10" in few
    assert set(thin_levels(model, "credit")) == {"town=t20"}


def test_credible_levels_do_not_depend_on_the_base_and_draw_thin_ones_to_the_others() -> None:
    study = study_of()
    levels = [f"t{at:02d}" for at in range(30)]
    shown = []
    for base in ("t00", "t05"):
        spec = {**BY_HAND, "levels": levels, "base": {"level": base}}
        study.accept("town", spec, "every town")
        model = study.current().model
        found = credible_estimates(model)
        assert found[f"town={base}"] == 0.0
        shown.append(np.array([found[f"town={one}"] for one in levels]))
    assert shown[0] - shown[0][5] == pytest.approx(shown[1], abs=1e-9)
    given = np.array([one.estimate or 0.0 for one in model.coefficients if one.factor == "town"])
    assert np.std(shown[1]) < np.std(given)
    assert np.corrcoef(shown[1], given)[0, 1] > 0.9


@pytest.mark.parametrize("family", FAMILIES)
def test_the_models_table_has_the_credible_relativities_of_the_page(family: str) -> None:
    study = study_of(family)
    levels = [f"t{at:02d}" for at in range(30)]
    study.accept("town", {**BY_HAND, "levels": levels, "base": {"level": "t00"}}, "every town")
    table = study.model.coefficients
    shown = {row.term: row.credible for row in study_content(study, None, "", "").coefficients}
    assert list(table["credible"].fillna(-1.0)) == [
        -1.0 if shown[term] is None else shown[term] for term in table["term"]
    ]
    towns = table[table["factor"] == "town"].set_index("level")
    assert towns["credible"]["t00"] == (0.0 if family == "gaussian" else 1.0)
    assert towns["credible"].std() < towns["estimate" if family == "gaussian" else "relativity"].std()
    assert table.set_index("term")["credible"].isna()["(Intercept)"]


def test_a_credible_level_whose_relativity_is_beyond_doubles_is_infinite_and_not_drawn() -> None:
    town = {"kind": "categorical", "name": "town", "column": "town", "missing": "refuse", "unseen": "base"}
    document = fit_glm(rows_of(), target="y", factors=[town], on_separation="warn").document
    lines = [
        one.model_copy(update={"estimate": 900.0 * (-1) ** at}) if one.level and one.status == "fitted" else one
        for at, one in enumerate(document.coefficients)
    ]
    far = document.model_copy(update={"coefficients": tuple(lines)})
    found = credible_relativities(far)
    assert set(np.unique(list(found.values()))) == {0.0, 1.0, np.inf}
    drawn = {one.term: one.credible for one in coefficient_rows(far)}
    assert all(drawn[term] == (None if np.isinf(one) else one) for term, one in found.items())


def test_credible_levels_are_those_of_buehlmann_where_estimates_are_independent() -> None:
    draw = np.random.default_rng(4)
    noise = draw.uniform(0.05, 0.5, 12)
    found = draw.normal(0, 0.7, 12) + draw.normal(0, np.sqrt(noise))
    shrunk = credible(found, np.diag(noise), np.eye(12))
    weight = shrunk / found
    between = weight * noise / (1 - weight)
    assert between == pytest.approx(np.full(12, between[0]))
    assert (found**2 / (between[0] + noise)).sum() == pytest.approx(12)


def test_a_profile_is_checked_where_it_enters() -> None:
    with pytest.raises(ArgumentError, match="'credit'"):
        BinningRules(profile="credt")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="'insurance'"):
        study_of().auto_design(profile="insurence")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="'credit'"):
        WorkflowRules(profile="credti")  # type: ignore[arg-type]
    with pytest.raises((ArgumentError, ConfigError), match="share"):
        BinningRules(min_share=5)
    assert WorkflowRules(profile="credit").plan.rules == replace(BinningRules(), profile="credit")
    assert binning_rules(BinningSection(profile="credit")).floors().document() == {
        "min_evidence": 10,
        "min_share": 0.05,
    }


@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("family", FAMILIES)
def test_levels_of_tests_and_cells_of_crossings_hold_what_levels_made_by_rule_hold(
    family: str, weight: str | None
) -> None:
    frame = rows_of(family).assign(w=np.random.default_rng(1).choice([1e3, 2e3], 3_000))
    study = GLMStudy(
        frame, target="y", key="id", user="ann", name="s", candidates=["town"], weight=weight, **FAMILIES[family]
    )
    rows = study.bench.rows
    sums, current = candidate_sums(rows, None, ["town"])["town"], CurrentModel.of(rows, None)
    least = BinningRules().floors(domain_of(sums)).evidence
    assert ScreeningRules().of_domain(current.domain).least_evidence == least
    for_levels = np.minimum.reduce([one[:, : sums.folds].sum(axis=1) for one in evidence_parts(sums)])
    assert CandidateLevels.of(sums, current, ScreeningRules()).evidence == pytest.approx(for_levels, rel=1e-9)


def test_a_cell_of_gamma_rows_that_spread_much_is_thin_as_a_level_of_as_many_would_be() -> None:
    draw, many = np.random.default_rng(5), 3_000
    b = draw.choice(list("uv"), many, p=[0.3, 0.7])
    frame = pd.DataFrame({"id": np.arange(many), "a": np.where(b == "u", "p", draw.choice(list("pq"), many)), "b": b})
    frame.loc[:99, ["a", "b"]] = ["q", "u"]
    frame["y"] = draw.gamma(0.25, 4.0, many)
    study = GLMStudy(
        frame, target="y", family="gamma", link="log", key="id", user="ann", name="s", candidates=["a", "b"]
    )
    for name in ("a", "b"):
        study.accept(
            name,
            {
                "kind": "categorical",
                "name": name,
                "column": name,
                "missing": "refuse",
                "unseen": "refuse",
                "levels": "learn",
            },
            reason="to cross",
        )
    found = study.find_interactions()
    cell = found.cells["a", "b"].set_index(["row", "column"]).loc[("q", "u")]
    assert 10 < cell["rows"] / (study.model.statistics.dispersion_pearson or 0.0) < 20
    assert cell["status"] == "thin"
    assert "no cell holds 30 rows and 20 rows over the dispersion" in found.table["flags"][0]
    lower = study.find_interactions(rules=ScreeningRules(min_evidence=10)).cells["a", "b"]
    assert lower.set_index(["row", "column"])["status"]["q", "u"] == "own"


def test_too_few_missing_values_follow_the_level_nearest_to_the_average_in_search_and_fit_alike() -> None:
    draw, many = np.random.default_rng(3), 6_000
    age = draw.integers(18, 80, many).astype(float)
    frame = pd.DataFrame({"id": np.arange(many), "y": draw.poisson(0.1 * np.exp(0.9 * (age < 25) - 0.7 * (age > 45)))})
    frame["age"] = np.where(draw.random(many) < 0.008, np.nan, age)
    study = GLMStudy(frame, target="y", key="id", user="ann", name="s", candidates=["age"])
    block = study.factor("age").optimize(size=3)
    result = optimized(study, "age", BinningRules(size=3))
    neutral, base = (str(result.levels["level"][at]) for at in (result.levels["shift"].abs().argmin(), 2))
    assert block.spec.document()["missing"] == {"level": neutral} != {"level": base}
    assert "Too few missing values for a level of their own" in " ".join(block.spec.notes)
    block.accept()
    chosen = result.trials[result.trials["chosen"]]["train_deviance"].item()
    assert study.model.statistics.deviance / study.samples["train"] == pytest.approx(chosen, rel=1e-9)
    edge = block.spec.edges[0] + 3
    assert block.split_level(neutral, at=edge).spec.document()["missing"] == {"level": f"({edge - 3:g}, {edge:g}]"}
