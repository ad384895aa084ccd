"""The page of errors is what the code tells."""

from __future__ import annotations

import ast

from tests.architecture.error_catalogue import PAGE, Rule, Source, page, rules, sources

MODULE = """
TOLD = "Told once."
KINDS = {"a": ("Of a.", "Do a."), "b": ("Of b.", "Do b.")}

def fail(name, rule):
    raise SpecError.because(f"{name!r} is odd.", rule, "", path=name)

def ask(name, many):
    if many:
        fail(name, f"At most {many} are " + "taken.")
    DataError(Problem("/x", "found", "Plain." if many else TOLD, "way out"))
    Problem("/y", "found", *KINDS[name])
    ConfigError.because("No rule here.", "", "way out")
"""


def test_the_page_of_errors_is_that_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs-errors"


def test_every_rule_has_a_code_of_its_own() -> None:
    codes = [rule.code for rule in rules(sources())]
    assert len(set(codes)) == len(codes) > 400


def test_rules_are_found_wherever_they_are_written() -> None:
    found = rules([Source("made", ast.parse(MODULE))])
    assert set(found) == {
        Rule("SpecError", "At most … are taken."),
        Rule("DataError", "Plain."),
        Rule("DataError", "Told once."),
        Rule("Problem", "Of a."),
        Rule("Problem", "Of b."),
        Rule("ConfigError", "No rule here.", found=True),
    }
