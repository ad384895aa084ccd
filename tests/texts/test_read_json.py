"""JSON of others is read strictly: any fault is one ValueError with a sentence, in time that grows with the text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glm_local import RunFolder, ValidationReport
from glm_local.errors import ConfigError, SpecError
from glm_local.texts.read_json import DEEPEST, is_deeper, read_json, read_object


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"x": [{"a": 1, "b": 2, "a": 3}]}',
        "NaN",
        "[Infinity]",
        "1e999",
        "[-1e400]",
        "",
        "{",
        '"a',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '"\\ud800"',
        '{"\\uDFFF": 1}',
        "1" * 5_000,
        "[1,]",
        '"\x00"',
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '"' + '\\"' * 100_000,
    ],
)
def test_what_is_no_sound_json_is_one_value_error(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_json(text)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, "x"], "b": {}},
        ["[" * 500, '"' * 3, "\\" * 5, "}]"],
        "😀",
        1e308,
        [],
    ],
)
def test_sound_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False, indent=1)) == value


def test_the_deepest_text_that_is_allowed_is_read() -> None:
    assert read_json("[" * DEEPEST + "]" * DEEPEST) is not None


@pytest.mark.parametrize("text", ["[]", "null", "1", '"a"', "true"])
def test_what_is_no_object_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="not an object"):
        read_object(text)


def test_depth_of_values_is_told_without_recursion() -> None:
    deep: list[object] = []
    for _ in range(20_000):
        deep = [deep]
    assert is_deeper(deep)
    shared: list[object] = [1]
    for _ in range(60):
        shared = [shared, shared]
    assert not is_deeper(shared)
    ring: dict[str, object] = {}
    ring["self"] = (ring,)
    assert is_deeper(ring)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tables":5}', '{"tables":{"summary":3}}', "[" * 100_000, "NaN"])
def test_files_of_a_run_and_reports_that_are_none_are_refused_in_three_parts(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match="is no report"):
        ValidationReport.from_json(text)
    folder = RunFolder(tmp_path, "run")
    path = folder.log_json("figures", {"a": 1})
    path.write_text(text)
    if text in ("[]", "{}", '{"tables":5}', '{"tables":{"summary":3}}'):
        assert folder.read("figures") == json.loads(text)
    else:
        with pytest.raises(ConfigError, match="cannot be read"):
            folder.read("figures")


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    deep: list[object] = []
    for _ in range(150):
        deep = [deep]
    ring: dict[str, object] = {}
    ring["self"] = ring
    for value in (deep, ring):
        with pytest.raises(ConfigError, match="nested deeper"):
            RunFolder(tmp_path, "run").log_json("figures", value)
