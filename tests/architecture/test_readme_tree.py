"""The tree in the README is the tree of the repository."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT, entries

WHOLE = ("", "conf", "glm_local", "glm_spark", "jobs", "notebooks")
"""Folders whose every entry is listed; of tests only the folders are."""


def _listed() -> dict[str, list[tuple[str, str]]]:
    """Folder to the (entry, what is said of it) listed directly below it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The tree")[2]
    block = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert block, "the README has a tree"
    listed: dict[str, list[tuple[str, str]]] = {"": []}
    folder = ""
    for line in block.group(1).splitlines():
        name, _, said = line.strip().partition(" ")
        if not line.startswith(" "):
            listed[""].append((name, said.strip()))
            folder = name.rstrip("/")
            listed.setdefault(folder, [])
        else:
            listed[folder].append((name, said.strip()))
    return listed


@pytest.mark.parametrize("folder", WHOLE, ids=lambda one: one or "root")
def test_the_readme_lists_every_entry_of_a_folder_once(folder: str) -> None:
    names = [name for name, _ in _listed()[folder]]
    assert len(set(names)) == len(names)
    assert set(names) == entries(folder)


def test_the_readme_lists_every_room_of_the_tests_once() -> None:
    names = [name for name, _ in _listed()["tests"]]
    assert len(set(names)) == len(names)
    assert set(names) == {one for one in entries("tests") if one.endswith("/")}


def test_every_entry_below_a_folder_is_told_in_one_line() -> None:
    for folder, found in _listed().items():
        assert not [name for name, said in found if not said and (folder or not name.endswith("/"))]
