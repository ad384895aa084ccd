"""Tested levels: fine codes grouped by rows and expected amounts, never by responses, so that tests stay calibrated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError, Problem
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.inference.thin_levels import evidence_floor, evidence_words
from glm_local.numbers.ties import in_steps

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

RARE = "rare levels"
MOST_CELLS = 300
"""Most cells of a pair tested one by one; the others, the smaller ones, are pooled like thin ones."""
PAIR_CELL = 8.0
"""Times the floors a cell of two candidates holds on average: fewer cells, each with more to say, find more."""
SLACK = 1e-9
"""Sums added up in another order differ by less: they must not fall into other levels."""


@arguments_checked
@dataclass(frozen=True)
class ScreeningRules:
    """How levels are formed for tests.

    Parameters
    ----------
    bands
        Most bands of about equal exposure an ordered candidate is cut into; missing and the like come on top. Fewer
        where there is not evidence for so many.
    most_categories
        Most categories tested on their own, the largest; the others are put together in key order.
    min_rows, min_evidence
        A level on its own, or a cell of a pair, has so many training rows, and so much evidence: expected events for
        Poisson and Tweedie, expected events * non-events / rows for binomial, rows / dispersion for gamma; where rows
        bear weights events too are counted over the dispersion. Below, the chi-square of a level is no chi-square.
        None is the evidence a level made by rule holds (`glm_local.inference.thin_levels.evidence_floor`).
    """

    bands: int = 20
    most_categories: int = 80
    min_rows: float = 30.0
    min_evidence: float | None = None

    def __post_init__(self) -> None:
        floors = {"bands": 1, "most_categories": 0, "min_rows": 0, "min_evidence": 0}
        given = {name: value for name in floors if (value := getattr(self, name)) is not None}
        problems = [
            Problem(name, f"{value!r} was given.", f"It is {floors[name]} or more.", "Give another number.")
            for name, value in given.items()
            if not value >= floors[name]
        ]
        if problems:
            raise ConfigError(problems)

    def of_domain(self, domain: str) -> ScreeningRules:
        """The rules with the evidence that levels hold in a family of this domain, where none is given.

        Examples
        --------
        >>> ScreeningRules().of_domain("unit").min_evidence, ScreeningRules().of_domain("positive").min_evidence
        (10.0, 20.0)
        """
        return self if self.min_evidence is not None else replace(self, min_evidence=evidence_floor(domain))

    @property
    def least_evidence(self) -> float:
        """Evidence of a level or cell; that of counts where neither it nor a family was given."""
        return evidence_floor("nonnegative") if self.min_evidence is None else self.min_evidence

    def thick(self, rows: Array, evidence: Array) -> NDArray[np.bool_]:
        """Which levels stand on their own."""
        thick: NDArray[np.bool_] = (rows >= self.min_rows) & (evidence >= self.least_evidence * (1 - SLACK))
        return thick

    def in_pairs(self, rows: float, evidence: float) -> ScreeningRules:
        """The rules for a candidate that is crossed with another: levels whose cells have something to say.

        A cell holds `PAIR_CELL` times the floors on average, so a level holds that in each of its cells.

        Examples
        --------
        >>> ScreeningRules().in_pairs(20_000, 1_900).bands, ScreeningRules().in_pairs(1e6, 1e5).bands
        (4, 17)
        """
        cells = min(rows / max(self.min_rows, 1e-9), evidence / max(self.least_evidence, 1e-9)) / PAIR_CELL
        bands = max(2, int(math.sqrt(max(min(cells, MOST_CELLS), 0.0))))
        return replace(
            self,
            bands=min(self.bands, bands),
            most_categories=min(self.most_categories, bands),
            min_rows=self.min_rows * bands,
            min_evidence=self.least_evidence * bands,
        )


def evidence(family: Family, link: Link, rows: Array, information: Array, dispersion: float) -> Array:
    """Evidence free of scale (`ScreeningRules`): information / dispersion on a log or logit scale, rows elsewhere."""
    domain = counted_domain(family, link)
    if domain == "real":
        return rows
    found = information / max(dispersion, 1e-300)
    return np.minimum(found, rows) if domain == "positive" else found


def counted_domain(family: Family, link: Link) -> str:
    """The domain whose units evidence is counted in: "real", rows, where the link has no scale of ratios or odds."""
    return family.domain if link.name == "log" or family.domain == "unit" else "real"


UNTESTED = "not tested"
"""How the flag begins of what has no test."""
NO_FREEDOM = f"{UNTESTED}: no degree of freedom is left for the dispersion"


def floors_text(rules: ScreeningRules, domain: str, dispersion: float) -> str:
    """The floors of a level or cell in words, counted as `evidence` counts them.

    Examples
    --------
    >>> floors_text(ScreeningRules(), "nonnegative", 1.0)
    '30 rows and 10 expected events'
    >>> floors_text(ScreeningRules(), "unit", 1.7), floors_text(ScreeningRules(), "real", 1.7)
    ('30 rows and 10 expected events × non-events / rows over the dispersion', '30 rows')
    """
    counted, least = evidence_words(domain, dispersion), rules.of_domain(domain).least_evidence
    if counted == "rows":
        return f"{max(rules.min_rows, least):g} rows"
    return f"{rules.min_rows:g} rows and {least:g} {counted}"


@dataclass(frozen=True)
class TestedLevels:
    """Groups of fine codes.

    Parameters
    ----------
    group
        Group of every fine code, shape (codes,); codes without training rows have a group too.
    labels
        Of the groups.
    pooled
        Fine codes with rows that were too thin to stand on their own.
    pooled_rows
        Their rows.
    """

    group: Codes
    labels: tuple[str, ...]
    pooled: int
    pooled_rows: float

    __test__ = False  # not a test, whatever its name begins with

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.labels)


def group_codes(
    kind: Literal["numeric", "categorical", "ordinal"],
    labels: Sequence[str],
    ordered: int,
    rows: Array,
    weight: Array,
    evidence: Array,
    rules: ScreeningRules | None = None,
) -> TestedLevels:
    """Group fine codes for a test.

    Numeric and ordinal codes become runs of about equal exposure; categories of enough rows stay as they are, the
    rest is banded in key order; codes that stand apart (missing, unseen) stay apart, or join the thin ones.

    Parameters
    ----------
    ordered
        The first `ordered` codes are ordered or categories, the others stand apart.
    rows, weight, evidence
        Training sums per fine code, shape (codes,).

    Examples
    --------
    >>> rows = np.array([50.0, 5.0, 60.0, 40.0])
    >>> tested = group_codes("categorical", ["a", "b", "c", "missing"], 3, rows, rows, rows)
    >>> tested.labels, tested.group.tolist()
    (('a', 'b, c', 'missing'), [0, 1, 1, 2])
    """
    rules = rules or ScreeningRules()
    thick = rules.thick(rows, evidence)
    size = len(rows)
    names = [*labels, *("(no level)" for _ in range(size - len(labels)))]
    if kind == "categorical":
        run = _categories(ordered, rows, weight, thick, rules)
    else:
        run = _bands(np.arange(ordered), weight, rules.bands, size)
    apart = np.arange(ordered, size)
    run[apart] = run.max(initial=-1) + 1 + np.arange(len(apart))
    group = _thickened(run, ordered, rows, evidence, rules, kind == "categorical")
    alone = np.bincount(group[rows > 0], minlength=group.max(initial=-1) + 1) == 1
    pooled = (rows > 0) & ~thick & ~alone[group]
    return TestedLevels(
        group,
        tuple(_name(names, group, at, rows, kind, ordered) for at in range(group.max(initial=-1) + 1)),
        int(pooled.sum()),
        float(rows[pooled].sum()),
    )


def _bands(codes: Codes, weight: Array, bands: int, size: int) -> Codes:
    """Runs of `codes` with about equal weight, numbered from 0; other entries are -1."""
    run = np.full(size, -1)
    share = np.cumsum(weight[codes])
    if not len(codes) or not share[-1] > 0:
        run[codes] = 0
        return run
    middle = (share - weight[codes] / 2) / share[-1]
    _, run[codes] = np.unique(np.minimum((middle * bands + SLACK).astype(np.int64), bands - 1), return_inverse=True)
    return run


def _categories(ordered: int, rows: Array, weight: Array, thick: NDArray[np.bool_], rules: ScreeningRules) -> Codes:
    codes = np.arange(ordered)
    eligible = codes[thick[:ordered]]
    largest = eligible[np.argsort(-in_steps(weight[eligible]), kind="stable")][: rules.most_categories]
    alone = np.sort(largest)
    run = np.full(len(rows), -1)
    run[alone] = np.arange(len(alone))
    rest = codes[run[:ordered] < 0]
    if len(rest):
        # Key order keeps what keys mean (postcodes, sequences); equal exposure keeps every band testable.
        banded = _bands(rest, weight, rules.bands, len(rows))[rest]
        run[rest] = len(alone) + banded
    return run


def _thickened(
    run: Codes, ordered: int, rows: Array, evidence: Array, rules: ScreeningRules, categories: bool
) -> Codes:
    """Runs too thin are joined with a neighbour (ordered) or with each other (the rest), then renumbered."""
    sums = np.stack([np.bincount(run, one, run.max(initial=0) + 1) for one in (rows, evidence)]).astype(np.float64)
    count = sums.shape[1]
    first_apart = int(run[ordered:].min(initial=count))
    target = np.arange(count)
    if not categories:
        _join_neighbours(target, sums, first_apart, rules)
    else:
        _join_thin(target, sums, np.arange(first_apart), rules)
    _join_thin(target, sums, np.arange(first_apart, count), rules)
    thin = [one for one in np.unique(target) if not rules.thick(sums[0, one], sums[1, one])]
    if thin and len(np.unique(target)) > 1:
        _absorb(target, sums, thin)
    _, group = np.unique(target[run], return_inverse=True)
    return np.asarray(group, dtype=np.int64)


def _join_neighbours(target: Codes, sums: Array, stop: int, rules: ScreeningRules) -> None:
    """Join neighbouring runs while their pool is thin; one that ends thin goes to the pool before it."""
    before = last = -1
    for at in range(stop):
        if last >= 0 and not rules.thick(*sums[:, last]):
            _join(target, sums, at, last)
        else:
            before, last = last, at
    if before >= 0 and not rules.thick(*sums[:, last]):
        _join(target, sums, last, before)


def _join(target: Codes, sums: Array, one: int, pool: int) -> None:
    """Put a run, with what was joined to it, into a pool."""
    target[target == one] = pool
    sums[:, pool] += sums[:, one]
    sums[:, one] = 0


def _join_thin(target: Codes, sums: Array, runs: Codes, rules: ScreeningRules) -> None:
    """Join thin runs among `runs` one after the other until each pool is thick."""
    pool = -1
    for at in runs:
        if target[at] != at or rules.thick(*sums[:, at]):
            continue
        if pool >= 0 and not rules.thick(*sums[:, pool]):
            _join(target, sums, int(at), pool)
        else:
            pool = at


def _absorb(target: Codes, sums: Array, thin: Sequence[int]) -> None:
    """What is still thin goes where most rows are: it can only blur a test, never break it."""
    largest = int(np.argmax(sums[0]))
    for one in thin:
        if one != largest:
            _join(target, sums, one, largest)


def _name(labels: list[str], group: Codes, at: int, rows: Array, kind: str, ordered: int) -> str:
    members = np.flatnonzero(group == at)
    seen = members[rows[members] > 0]
    members = seen if len(seen) else members
    if len(members) == 1:
        return str(labels[members[0]])
    if kind != "categorical":
        inside = members[members < ordered]
        if len(inside) > 1 and len(inside) == len(members):
            return f"{labels[inside[0]]} … {labels[inside[-1]]}"
    if len(members) <= 3:
        return ", ".join(labels[one] for one in members)
    return f"{RARE} ({len(members)}: {labels[members[0]]} … {labels[members[-1]]})"
