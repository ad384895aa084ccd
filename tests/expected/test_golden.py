"""Golden data are whole, say where they come from, and change only by `make golden`, which says what changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.expected import golden, refresh
from tests.expected.canonical import canonical
from tests.expected.data_sets import DATA_SETS

CASES = 39
"""Cases of the pack; a file more or less is a change to be made here too."""


def _figures() -> dict[str, dict[str, Any]]:
    return {path.stem: golden.figures(path.stem) for path in sorted((golden.EXPECTED / "r").glob("*.json"))}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A truth pack that says what the golden data say."""
    folder = tmp_path / "truth"
    shutil.copytree(golden.EXPECTED / "data", folder / "data", ignore=shutil.ignore_patterns("*.json"))
    told = {name: {**one["origin"], **one} for name, one in _figures().items()}
    cases = {name: {**one, "id": name, "source": one["data"], "model": one["model"]} for name, one in told.items()}
    left_out = ("origin", "data", "computed_by", "taken")
    cases = {name: {key: one[key] for key in one if key not in left_out} for name, one in cases.items()}
    (folder / "truth.json").write_text(json.dumps(cases), encoding="utf-8")
    (folder / "README.md").write_text("Cases produced by R 4.2.2.", encoding="utf-8")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A copy of the golden data."""
    folder = tmp_path / "expected"
    for part in ("r", "data"):
        shutil.copytree(golden.EXPECTED / part, folder / part)
    return folder


def _times(target: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}


def test_every_case_says_package_version_of_r_model_source_and_day() -> None:
    assert len(_figures()) == CASES
    for name, case in _figures().items():
        origin = case["origin"]
        assert origin["computed_by"].startswith("R 4."), name
        assert all(origin[key] for key in ("data", "model", "source", "taken")), name


def test_every_data_set_is_the_one_whose_origin_and_licence_are_told() -> None:
    origins = json.loads(golden.there(golden.EXPECTED / "data" / "origins.json").read_text(encoding="utf-8"))
    assert set(origins) == set(DATA_SETS) == {path.stem for path in (golden.EXPECTED / "data").glob("*.csv")}
    for name, said in origins.items():
        assert hashlib.sha256(golden.data(name).read_bytes()).hexdigest() == said["origin"]["sha256"], name
        assert said["origin"]["licence"], name


def test_golden_json_is_written_in_one_way() -> None:
    for path in (*sorted((golden.EXPECTED / "r").glob("*.json")), golden.EXPECTED / "data" / "origins.json"):
        text = path.read_text(encoding="utf-8")
        assert canonical(json.loads(text)) == text, path.name


def test_a_test_fails_when_golden_data_are_missing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "EXPECTED", target)
    (target / "r" / "dobson.json").unlink()
    with pytest.raises(pytest.fail.Exception, match=r"tests/expected/r/dobson\.json is not here.*make golden"):
        golden.figures("dobson")
    shutil.rmtree(target / "data")
    with pytest.raises(pytest.fail.Exception, match=r"data/quine\.csv is not here: check the clone, or run"):
        golden.rows("quine")


def test_nothing_is_written_when_nothing_changed(pack: Path, target: Path) -> None:
    before = _times(target)
    assert refresh.refresh(pack, target, "2030-01-01") == []
    assert _times(target) == before


def test_a_changed_number_is_told_and_only_its_files_are_written(pack: Path, target: Path) -> None:
    before = _times(target)
    cases = json.loads((pack / "truth.json").read_text(encoding="utf-8"))
    old = cases["dobson"]["coef"]["outcome2"]
    cases["dobson"]["coef"]["outcome2"] = old * 1.001
    (pack / "truth.json").write_text(json.dumps(cases), encoding="utf-8")
    quine = pack / "data" / "quine.csv"
    quine.write_bytes(quine.read_bytes().replace(b'"A","M","F0","SL",2\n', b'"A","M","F0","SL",3\n', 1))
    said = refresh.refresh(pack, target, "2030-01-01")
    assert f"r/dobson.json coef outcome2: {old!r} -> {old * 1.001!r} (relative -1.0e-03)" in said
    assert "data/quine.csv row 1 Days: 2.0 -> 3.0 (relative +5.0e-01)" in said
    assert any(line.startswith("r/dobson.json origin taken: ") for line in said)
    after = _times(target)
    written = {Path(name).relative_to(target).as_posix() for name in before if before[name] != after[name]}
    assert written == {"r/dobson.json", "data/quine.csv", "data/origins.json"}
    assert refresh.refresh(pack, target, "2031-01-01") == []


def test_a_case_that_came_or_went_is_told(pack: Path, target: Path) -> None:
    cases = json.loads((pack / "truth.json").read_text(encoding="utf-8"))
    cases["another"] = cases.pop("dobson")
    (pack / "truth.json").write_text(json.dumps(cases), encoding="utf-8")
    assert refresh.refresh(pack, target) == ["r/another.json: new", "r/dobson.json: gone"]
    assert not (target / "r" / "dobson.json").exists()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("truth.json", "is not there. Golden data are made from the truth pack"),
        ("data/quine.csv", "lacks the rows of quine_nb_main"),
    ],
)
def test_a_source_that_is_not_whole_is_refused_and_nothing_written(
    pack: Path, target: Path, missing: str, said: str
) -> None:
    (pack / missing).unlink()
    before = _times(target)
    with pytest.raises(refresh.RefreshError, match=said):
        refresh.refresh(pack, target)
    assert _times(target) == before


def test_rows_of_unknown_origin_are_refused(pack: Path, target: Path) -> None:
    (pack / "data" / "found.csv").write_text("x\n1\n", encoding="utf-8")
    with pytest.raises(refresh.RefreshError, match=r"Say origin and licence in .*: found\."):
        refresh.refresh(pack, target)


def test_make_golden_without_the_pack_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(refresh.PLACE, str(tmp_path / "nowhere"))
    assert refresh.main() == 2
    assert capsys.readouterr().err.startswith("Nothing was written. ")
