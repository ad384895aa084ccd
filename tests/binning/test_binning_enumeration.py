"""The program finds what trying every partition on the rows finds: families, trends, rules, penalties."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from glm_local.binning.categories import category_order
from glm_local.binning.penalties import (
    log_level,
    small_bin_size_penalty,
    small_count_penalty,
    unstable_relativity_penalty,
)
from glm_local.binning.program import PHASES, Task, best_partitions
from glm_local.binning.rules import BinningRules
from glm_local.binning.search import Search
from glm_local.binning.shifts import is_ratio
from tests.binning.binning_cases import (
    MODELS,
    RowSegments,
    all_partitions,
    borders_of,
    category_candidate,
    keeps_rules,
    keeps_trend,
    made_rows,
    numeric_candidate,
    row_segments,
)

TRENDS = tuple(PHASES)
CASES_PER_MODEL = 48


def random_rules(rng: np.random.Generator, case: int) -> BinningRules:
    return BinningRules(
        max_bins=int(rng.integers(2, 8)),
        size="bic",
        trend=TRENDS[case % len(TRENDS)],
        min_rows=float(rng.choice([0, 0, 12])),
        min_exposure=float(rng.choice([0, 0, 18.5])),
        min_events=float(rng.choice([0, 0, 4.25])),
        min_relativity_step=rng.choice([None, None, 1.2]),
    )


def check(search: Search, found: RowSegments, codes: int, order: np.ndarray, penalty=lambda borders: 0.0) -> int:
    """Every size against every partition of that size; returns how many sizes had one."""
    ratio, best, sizes = is_ratio(search.sums.gain), search.best(), 0
    for bins in range(1, min(search.rules.max_bins, codes) + 1):
        kept = [one for one in all_partitions(codes, bins) if keeps_rules(one, found, search.rules, ratio)]
        assert (bins in best) == bool(kept), (bins, search.rules)
        if kept:
            sizes += 1

            def value(borders: tuple[int, ...]) -> float:
                return sum(found.change[run] for run in pairwise(borders)) + penalty(borders)

            borders = borders_of(best[bins], order)
            assert len(borders) == bins + 1
            assert borders in kept
            lowest = min(map(value, kept))
            assert value(borders) <= lowest + 1e-7 * (1 + abs(lowest))
    return sizes


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
def test_the_best_partition_of_every_size_is_the_one_found_by_trying_all_of_them(model) -> None:
    rng = np.random.default_rng(7 + MODELS.index(model))
    sizes = 0
    for case in range(CASES_PER_MODEL):
        codes = int(rng.integers(2, 8))
        made = made_rows(rng, model, codes, rows=int(rng.integers(30, 120)))
        rules = random_rules(rng, case)
        search = Search(made.sums(numeric_candidate(codes), 1), rules)
        order = np.arange(codes)
        sizes += check(search, row_segments(made, order), codes, order)
    assert sizes > CASES_PER_MODEL  # most cases have several feasible sizes


@pytest.mark.parametrize("model", [("poisson", None), ("binomial", None), ("gaussian", None)], ids=lambda one: one[0])
def test_categories_are_grouped_best_along_their_order(model) -> None:
    rng = np.random.default_rng(11)
    for case in range(20):
        codes = int(rng.integers(3, 8))
        made = made_rows(rng, model, codes)
        rules = replace(random_rules(rng, case), trend="none")
        sums = made.sums(category_candidate(codes), 1)
        search = Search(sums, rules)
        order = category_order(sums, dispersion=search.dispersion)
        check(search, row_segments(made, order), codes, order)


def test_penalties_that_add_up_are_inside_the_optimum() -> None:
    rng = np.random.default_rng(5)
    for case in range(60):
        codes = int(rng.integers(3, 8))
        made = made_rows(rng, ("poisson", None), codes)
        rules = replace(
            random_rules(rng, case),
            penalties=(
                small_bin_size_penalty(25, 0.02),
                small_count_penalty(7, 0.03),
                unstable_relativity_penalty(1.15, 0.2),
            ),
        )
        search = Search(made.sums(numeric_candidate(codes), 1), rules)
        order = np.arange(codes)
        found = row_segments(made, order)

        def penalty(borders: tuple[int, ...], found=found, rows=len(made.code)) -> float:
            totals = [found.totals[run] for run in pairwise(borders)]
            levels = [float(log_level(np.array(size), np.array(events))) for _, size, events in totals]
            small = sum(0.02 * (size < 25) + 0.03 * (events < 7) for _, size, events in totals)
            rough = sum(0.2 * max(abs(b - a) - np.log(1.15), 0) for a, b in pairwise(levels))
            return rows * (small + rough)

        check(search, found, codes, order, penalty)


def test_labels_kept_apart_never_share_a_bin() -> None:
    rng = np.random.default_rng(3)
    for kind in ("ordinal", "categorical"):
        for _ in range(20):
            codes = int(rng.integers(3, 8))
            made = made_rows(rng, ("poisson", None), codes)
            one, other = (f"c{at:02d}" for at in rng.choice(codes, 2, replace=False))
            search = Search(
                made.sums(category_candidate(codes, kind), 1), BinningRules(apart=[(one, other)], max_bins=codes)
            )
            best = search.best()
            assert 1 not in best
            for groups in best.values():
                assert not any({int(one[1:]), int(other[1:])} <= set(group) for group in groups)


@pytest.mark.parametrize("trend", TRENDS)
def test_any_values_and_shifts_are_solved_as_by_trying_all(trend: str) -> None:
    """Gains need not come from a likelihood: random tables, with ties, forbidden runs, steps and costs of pairs."""
    rng = np.random.default_rng(TRENDS.index(trend))
    for _ in range(60):
        n = int(rng.integers(1, 8))
        value, shift = rng.integers(-3, 9, (n + 1, n + 1)).astype(float), rng.integers(0, 5, (n + 1, n + 1)) / 2
        value[rng.random((n + 1, n + 1)) < 0.15] = -np.inf
        step, most = float(rng.choice([0.0, 0.5])), int(rng.integers(1, n + 1))
        pairs = rng.integers(0, 3, (n + 1, n + 1, n + 1)).astype(float) if rng.random() < 0.5 else None
        last = rng.integers(0, 3, n + 1).astype(float) if rng.random() < 0.5 else None
        cost = None if pairs is None else (lambda h, i, j, pairs=pairs: pairs[np.ix_(h, [i], j)][:, 0, :])
        found = best_partitions(Task(value, shift, most, trend, step, cost, last))
        for bins in range(1, most + 1):
            totals = {}
            for borders in all_partitions(n, bins):
                runs = list(pairwise(borders))
                steps = np.diff([shift[run] for run in runs])
                if keeps_trend(steps, trend) and (np.abs(steps) >= step - 1e-9).all():
                    total = sum(value[run] for run in runs) - (0.0 if last is None else last[runs[-1][0]])
                    if pairs is not None:
                        total -= sum(pairs[h, i, j] for h, i, j in zip(borders, borders[1:], borders[2:], strict=False))
                    if np.isfinite(total):
                        totals[borders] = total
            assert (bins in found) == bool(totals)
            if totals:
                assert found[bins].value == pytest.approx(max(totals.values()))
                assert totals[found[bins].borders] == pytest.approx(max(totals.values()))
