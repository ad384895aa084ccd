"""Equal meaning gives an equal fingerprint, and nothing else does."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.factors.factors import categorical, linear, ordinal
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.spec_problems import read_factor
from glm_local.texts.plain_json import canonical_json

AREA: dict[str, Any] = {
    "kind": "categorical",
    "name": "area",
    "column": "Area",
    "missing": "base",
    "unseen": "refuse",
    "levels": ["A", {"level": "rest", "values": ["B", "C"]}],
}
AGE: dict[str, Any] = {"kind": "numeric", "name": "age", "column": "Age", "edges": [20, 25], "missing": "base"}


def test_it_is_the_sha256_of_the_canonical_text() -> None:
    text = '{"a":"é","b":2}'
    assert fingerprint({"b": 2.0, "a": "é"}) == hashlib.sha256(text.encode()).hexdigest()
    assert canonical_json({"b": 2.0, "a": "é", "c": [True, None, -0.0, 0.1]}) == '{"a":"é","b":2,"c":[true,null,0,0.1]}'


SAME: list[tuple[Any, Any]] = [
    (AGE, {**AGE, "edges": [20.0, 25.0]}),
    (AGE, dict(reversed(AGE.items()))),
    (AGE, {**AGE, "notes": ["a reader's note"]}),
    (AGE, {**AGE, "version": 1, "source": "number", "base": "largest_exposure", "labels": None}),
    (AGE, read_factor(AGE)),
    (AREA, {**AREA, "levels": ["A", {"level": "rest", "values": ["C", "B"]}]}),
    (AREA, {**AREA, "levels": [{"level": "rest", "values": ["B", "C"]}, {"level": "A", "values": ["A"]}]}),
    ([AGE, AREA], [AREA, AGE]),
    ({"factors": [AGE, AREA]}, {"factors": [read_factor(AREA), read_factor(AGE)]}),
    (
        categorical("n", levels=[1, 2.5], source="number", missing="base", unseen="base"),
        categorical("n", levels=[2.5, 1.0], source="number", missing="base", unseen="base"),
    ),
]
OTHER: list[tuple[Any, Any]] = [
    (AGE, {**AGE, "edges": [20, 25.000000000000004]}),
    (AGE, {**AGE, "name": "Age"}),
    (AGE, {**AGE, "missing": "refuse"}),
    (AGE, {**AGE, "base": {"level": "(20, 25]"}}),
    (AGE, {**AGE, "learned": {"base": "(20, 25]"}}),
    (AREA, {**AREA, "kind": "ordinal"}),
    (AREA, {**AREA, "levels": ["A", {"level": "others", "values": ["B", "C"]}]}),
    (AREA, {**AREA, "levels": ["A", {"level": "rest", "values": ["B", "c"]}]}),
    (
        ordinal("o", levels=["low", "high"], missing="base", unseen="base"),
        ordinal("o", levels=["high", "low"], missing="base", unseen="base"),
    ),
    (
        categorical("b", levels=[True], source="boolean", missing="base", unseen="base"),
        categorical("b", levels=[1], source="integer", missing="base", unseen="base"),
    ),
    (linear("x", missing=0, centre="mean"), linear("x", missing=0)),
    ([AGE, AREA], [AGE]),
    ([1, 2], [2, 1]),
    ({"a": 1}, {"a": True}),
    ({"a": "e\u0301"}, {"a": "é"}),
]


@pytest.mark.parametrize(("one", "two"), SAME, ids=range(len(SAME)))
def test_documents_that_mean_the_same_share_a_fingerprint(one: Any, two: Any) -> None:
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize(("one", "two"), OTHER, ids=range(len(OTHER)))
def test_documents_that_mean_something_else_do_not(one: Any, two: Any) -> None:
    assert fingerprint(one) != fingerprint(two)


def test_the_fingerprint_of_a_specification_never_changes() -> None:
    # Stored fingerprints outlive the code: a change here breaks every store.
    assert fingerprint(AGE) == "e44365606294d55fb46e5f6a2f4f31b21eba3471b02bee676a76c51816f7c109"
    assert fingerprint([AGE, AREA]) == "43ee8873e5ad5cbcfe77104c79d1d0ec4d6937ab2f137e5e84c8858f17d61510"


def test_what_json_cannot_say_has_no_fingerprint() -> None:
    for wrong in (float("nan"), float("inf"), {1, 2}, object()):
        with pytest.raises(SpecError, match="no JSON text"):
            fingerprint({"a": wrong})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, shuffled(one, chance)) for name, one in value.items()]
        chance.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return [shuffled(one, chance) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else value


@given(json_values, st.randoms(use_true_random=False))
def test_key_order_and_the_spelling_of_whole_numbers_never_count(value: Any, chance: random.Random) -> None:
    assert fingerprint({"it": value}) == fingerprint({"it": shuffled(value, chance)})
