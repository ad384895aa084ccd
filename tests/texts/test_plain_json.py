"""The text of a document for people: indented, numbers of a list on one line, and the same document when read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.texts.plain_json import canonical_json, readable_json

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)
LEAVES = NUMBERS | st.text() | st.booleans() | st.none()
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.lists(NUMBERS, min_size=9) | st.dictionaries(st.text(), inner)
)


@given(DOCUMENTS)
def test_it_reads_as_the_canonical_text_does(document: Any) -> None:
    assert json.loads(readable_json(document)) == json.loads(canonical_json(document))


@given(st.lists(NUMBERS))
def test_numbers_of_a_list_are_written_as_each_alone(numbers: list[Any]) -> None:
    assert canonical_json(numbers) == "[" + ",".join(map(canonical_json, numbers)) + "]"


def test_a_list_of_numbers_takes_one_line() -> None:
    assert readable_json({"edges": [20.0, 30.5], "levels": ["a"]}).splitlines() == [
        "{",
        '  "edges": [20, 30.5],',
        '  "levels": [',
        '    "a"',
        "  ]",
        "}",
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_long_row_of_numbers_with_one_that_is_none_has_no_text(bad: float) -> None:
    with pytest.raises(SpecError, match="no JSON text"):
        canonical_json({"covariance": [[0.5] * 20 + [bad]]})
