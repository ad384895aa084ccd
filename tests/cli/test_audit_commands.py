"""The auditor's questions on the command line, asked of a finished study and of a second one with fewer factors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glm_local.cli.commands import run_app

CONF = str(Path(__file__).resolve().parents[2] / "conf" / "base" / "study_quickstart.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    asked = ["study", CONF, "--out", str(folder), "--quiet"]
    assert run_app([*asked, "--run-id", "first"]) == 0
    assert run_app([*asked, "--run-id", "second", "--set", "study.acceptance.max_factors=2"]) == 0
    return folder


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def asked(*words: str) -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        arguments = ["audit", *words, "--store", str(folder / "audit")]
        code = run_app([*arguments, "--json"])
        document = json.loads(capsys.readouterr().out)
        assert run_app(arguments) == code
        said = capsys.readouterr()
        return code, document, said.out + said.err

    return asked


def test_who_decided_names_the_decisions_on_a_factor_in_order(ask: Any) -> None:
    code, document, said = ask("who-decided", "disea", "--study", "rand-hie-study-first")
    assert code == 0
    assert [event["event"] for event in document["events"]] == ["accepted"]
    assert document["events"][0]["by_user"] in said
    assert "out-of-fold gain" in said
    assert {event["study_id"] for event in ask("who-decided", "disea")[1]["events"]} == {
        "rand-hie-study-first",
        "rand-hie-study-second",
    }


def test_why_is_it_in_has_proposal_comparison_and_decision(ask: Any) -> None:
    code, document, said = ask("why-is-it-in", "first", "disea")
    assert code == 0
    assert [event["event"] for event in document["events"]][:3] == ["proposed", "compared", "accepted"]
    assert json.loads(document["events"][2]["payload"])["evidence"]["cv_gain"] > 0
    assert "accepted" in said


def test_what_changed_shows_relativities_of_two_runs_side_by_side(ask: Any) -> None:
    code, document, said = ask("what-changed", "first", "second")
    assert code == 0
    changed = {line["term"] for line in document["changes"]}
    assert "(Intercept)" in changed
    assert any(line["relativity_b"] is None for line in document["changes"])
    assert " -> none" in said
    assert ask("what-changed", "first", "first")[2].strip() == "nothing changed"


def test_holdout_looks_names_who_looked_and_why(ask: Any) -> None:
    code, document, said = ask("holdout-looks", "rand-hie-study-first")
    assert (code, len(document["events"])) == (0, 1)
    assert "The automatic study is complete." in said


def test_reproduce_has_configuration_code_data_and_decisions(ask: Any) -> None:
    code, document, _ = ask("reproduce", "second")
    assert code == 0
    assert document["run"]["config"]["study"]["acceptance"]["max_factors"] == 2
    assert document["run"]["data"]["fingerprint"].startswith("values:")
    assert "removed" in [one["event"] for one in document["decisions"]]
    assert document["models"]


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("who-decided", "disae"), "disea"),
        (("why-is-it-in", "first", "disae"), "disea"),
        (("why-is-it-in", "frst", "disea"), "first"),
        (("what-changed", "first", "secnd"), "second"),
        (("holdout-looks", "rand-hie-study-frst"), "rand-hie-study-first"),
        (("reproduce", "secnd"), "second"),
    ],
)
def test_a_name_nobody_knows_is_an_error_that_names_the_nearest(ask: Any, words: tuple[str, ...], nearest: str) -> None:
    code, document, said = ask(*words)
    assert code == 2
    assert document["problems"][0]["way_out"] == f"Nearest: {nearest!r}."
    assert "Traceback" not in said
