"""The benchmarks still run: on few rows, without other packages, and without looking at their times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.honesty.selective import coverage, studies_of
from tests.benchmarks.honesty.selective import main as intervals_after_a_search
from tests.benchmarks.honesty.shares import share
from tests.benchmarks.measurement import at_least, at_most, interleaved, ratio, within
from tests.benchmarks.motor_rows import motor_rows


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["local_fit", "coding", "small_parts", "study_local", "screening_peers"])
def test_a_benchmark_runs_on_few_rows(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    small = ["--rows", "2000", "--rounds", "1", "--no-peers", "--scratch", str(tmp_path), "--out", str(out)]
    (report,) = main([name, *small])
    assert report.skipped is None
    assert name in capsys.readouterr().out
    (written,) = json.loads(out.read_text())["benchmarks"]
    assert written["ratios"]
    assert all(one["value"] > 0 for one in written["ratios"])


def test_a_simulation_of_studies_runs_on_few_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    main(["honesty.pairs", "--rounds", "2", "--out", str(out)])
    found = {one["name"]: one["value"] for one in json.loads(out.read_text())["benchmarks"][0]["ratios"]}
    assert found["194 events, slope 1.0: p < .05 (of 2)"] == 1
    assert found["120 events, nothing: no test (of 10)"] == 0
    assert found["pair of candidates, planted ±0.3: p < .05 (of 2)"] == 1
    for family in ("poisson", "binomial"):
        assert found[f"{family} crossing, planted ±0.5: tested (of 2)"] == 1
        assert found[f"{family} crossing, df is what history says (of 4)"] == 1
    assert "nothing: tested" in capsys.readouterr().out


def test_naive_intervals_of_searched_levels_do_not_cover_and_those_of_unseen_rows_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = list(studies_of("gamma", 2, 1_500))
    naive, unseen = (coverage([getattr(one, side) for one in found]) for side in ("naive", "selective"))
    assert naive.share < unseen.share
    intervals_after_a_search(["1", "--rows", "1500", "--kinds", "thinned"])
    assert capsys.readouterr().out.count("| thinned |") == 1


def test_a_share_has_its_monte_carlo_interval() -> None:
    found = share("x", [True] * 90 + [False] * 10)
    assert (found.value, round(found.low, 2), round(found.high, 2)) == (0.9, 0.82, 0.95)
    assert share("x", [False] * 10).low == 0


def test_without_the_data_a_benchmark_says_why_it_is_skipped(tmp_path: Path) -> None:
    (report,) = main(["local_fit", "--data", str(tmp_path)])
    assert "freMTPL2freq.parquet" in str(report.skipped)


def test_made_rows_follow_from_their_seed() -> None:
    one, again, other = motor_rows(50, 3), motor_rows(50, 3), motor_rows(50, 4)
    assert one.equals(again)
    assert not one.equals(other)


def test_contenders_take_turns_and_warm_up_does_not_count() -> None:
    order: list[str] = []

    def noted(name: str) -> Any:
        return lambda: float(len(order.append(name) or order))

    seconds = interleaved({"a": noted("a"), "b": noted("b")}, rounds=2)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert seconds == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_ratio_is_of_medians_and_knows_its_target() -> None:
    found = ratio("x", [1.0, 9.0, 2.0], [10.0, 10.0, 40.0], at_most(0.2))
    assert (found.value, found.low, found.high, found.verdict) == (0.2, 0.05, 0.9, "PASS")
    assert ratio("x", [1.0], [2.0], at_least(1)).verdict == "MISS"
    assert ratio("x", [1.1], [1.0], within(0.15)).verdict == "PASS"
