"""Groups of about equal weight: as many as the values allow, and of those the evenest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.binning.equal_shares import equal_groups


def most_groups(weight: list[float], bins: int) -> int:
    """By trying every choice of the boundaries next to the shares asked for."""
    whole = [round(10 * one) for one in weight]  # in integers, where nothing is rounded
    reached = np.cumsum(whole)[:-1] * bins
    choices = []
    for share in (at * sum(whole) for at in range(1, bins)):
        above = int(np.searchsorted(reached, share))
        near = [above] if share in reached else [above - 1, above]
        choices.append([None, *(end for end in near if 0 <= end < len(reached))])
    chosen = [[one for one in ends if one is not None] for ends in itertools.product(*choices)]
    return 1 + max(len(ends) for ends in chosen if all(one < other for one, other in itertools.pairwise(ends)))


@settings(max_examples=200)
@given(st.lists(st.sampled_from([0.1, 1.0, 5.0, 20.0]), min_size=2, max_size=9), st.integers(2, 6))
def test_groups_are_as_many_as_the_shares_allow_and_hold_every_code_in_order(weight: list[float], bins: int) -> None:
    groups = equal_groups(np.array(weight), bins)
    assert [code for group in groups for code in group] == list(range(len(weight)))
    assert len(groups) == (len(weight) if len(weight) <= bins else most_groups(weight, bins))


@pytest.mark.parametrize(
    ("weight", "bins", "groups"),
    [
        ([1, 1, 1], 3, [[0], [1], [2]]),
        ([6, 2, 2], 3, [[0], [1], [2]]),
        ([1, 1, 8], 3, [[0], [1], [2]]),
        ([1] * 10, 5, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]),
        ([1, 1, 1, 7], 2, [[0, 1, 2], [3]]),
        ([0, 3, 0, 3], 4, [[0, 1, 2], [3]]),
        ([0, 0], 2, [[0, 1]]),
        ([1, 2, 3], 1, [[0, 1, 2]]),
    ],
)
def test_groups_by_hand(weight: list[float], bins: int, groups: list[list[int]]) -> None:
    assert [list(one) for one in equal_groups(np.array(weight, dtype=float), bins)] == groups
