"""A factor that is there for certain is kept in few levels where the search for its own does not gain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from glm_local import GLMStudy
from glm_local.audit import verify
from tests.benchmarks.honesty.known_truth import rows_of


@pytest.fixture(scope="module")
def study() -> GLMStudy:
    """t2 acts by a step at .5; on these rows cuts found by a search lose out of fold."""
    frame = rows_of(10_000, 502)
    return GLMStudy(frame, target="y", key="id", candidates=["t2", "n0", "n1"], name="s").auto_design()


def test_a_factor_that_is_there_for_certain_is_kept_though_its_search_loses(study: GLMStudy) -> None:
    assert study.accepted == ("t2",)
    reason = str(study.history.query("event == 'accepted'")["reason"].iloc[0])
    assert reason.startswith("in at most 5 bands of equal exposure kept: screening q < 0.001")
    assert "(searched for: not kept: " in reason


def test_its_bands_were_not_searched_for_and_its_intervals_say_nothing_else(study: GLMStudy) -> None:
    lines = [line for line in study.model.document.coefficients if line.factor == "t2"]
    assert len(lines) == 5
    assert {line.inference for line in lines} == {None}
    below, above = (
        [line.estimate or 0.0 for line in lines if (line.level in ("(0.601, 0.801]", "(0.801, inf)")) is high]
        for high in (False, True)
    )
    assert min(above) > max(below)


def test_both_ways_are_in_the_history_and_the_study_verifies(study: GLMStudy) -> None:
    events = study.history.query("factor == 't2'")["event"].tolist()
    assert events == ["proposed", "compared", "proposed", "compared", "accepted"]
    assert verify(study._history.store).ok


def test_refinement_leaves_bands_that_were_not_searched_for(study: GLMStudy) -> None:
    assert study.auto_design().accepted == ("t2",)
    assert len([line for line in study.model.document.coefficients if line.factor == "t2"]) == 5


@pytest.fixture(scope="module")
def regions() -> GLMStudy:
    """Forty regions act; on these rows the groups found by a search lose out of fold. As many zones say nothing."""
    draw = np.random.default_rng(7)
    region, effect = draw.integers(0, 40, 10_000), draw.normal(0, 0.25, 40)
    columns = {"region": [f"r{one}" for one in region], "zone": draw.integers(0, 40, 10_000).astype(str)}
    frame = pd.DataFrame({"id": np.arange(10_000), **columns, "y": draw.poisson(np.exp(effect[region] - 1.6)) * 1.0})
    return GLMStudy(frame, target="y", key="id", candidates=["region", "zone"], name="s").auto_design()


def test_categories_whose_search_loses_are_kept_in_groups_by_shrunk_experience(regions: GLMStudy) -> None:
    assert regions.accepted == ("region",)
    reason = str(regions.history.query("event == 'accepted'")["reason"].iloc[0])
    assert reason.startswith("in at most 5 groups of equal exposure by shrunk experience kept: screening q < 0.001")
    assert "(searched for: not kept: " in reason
    assert regions.history.query("factor == 'region'")["event"].tolist()[-1] == "accepted"
    assert verify(regions._history.store).ok


def test_groups_by_experience_are_labelled_as_searched_on_the_same_rows(regions: GLMStudy) -> None:
    lines = [line for line in regions.model.document.coefficients if line.factor == "region"]
    assert len(lines) == 5
    assert {line.inference for line in lines if line.status == "fitted"} == {"searched on the same rows"}
    assert "(bins searched on the same rows)" in str(regions.history.query("event == 'accepted'")["reason"].iloc[0])


def test_refinement_leaves_groups_by_experience(regions: GLMStudy) -> None:
    before = regions.design.fingerprint
    assert regions.auto_design().design.fingerprint == before
