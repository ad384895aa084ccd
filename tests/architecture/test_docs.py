"""What the pages name is there: modules, names in them, files and folders; rooms and layers are told completely."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.tree import PRODUCT, ROOT, entries, source_files

PAGES = sorted(
    [*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
)
DOTTED = re.compile(r"\bglm_(?:local|spark)(?:\.[A-Za-z_]\w*)+")
FOLDERS = "|".join(sorted(one.rstrip("/") for one in entries() if one.endswith("/")))
PATH = re.compile(rf"(?<![\w./-])(?:{FOLDERS})/[\w./-]*\w/?|(?<![\w./-])[A-Z]{{4,}}\.md\b")


@cache
def _bound(module: Path) -> dict[str, ast.stmt | None]:
    """Names that a module's top level binds, without importing it; classes and functions with their body."""
    names: dict[str, ast.stmt | None] = {}
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
            names[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names |= {(name.asname or name.name).partition(".")[0]: None for name in statement.names}
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {node.id: None for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return names


def _exists(dotted: str) -> bool:
    """Is it a module or package of this repository, a name in one, or a member of a class there?"""
    parts = dotted.split(".")
    for depth in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:depth])
        module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if module.is_file():
            return _member(module, parts[depth:])
    return False


def _member(module: Path, rest: list[str]) -> bool:
    if not rest:
        return True
    names = _bound(module)
    if rest[0] not in names and "__all__" not in names:
        return False
    if rest[0] not in names:
        return f'"{rest[0]}"' in module.read_text(encoding="utf-8")  # a public name that is loaded when asked for
    body = names[rest[0]]
    if len(rest) == 1 or not isinstance(body, ast.ClassDef):
        return len(rest) == 1
    return rest[1] in {
        getattr(one, "name", None) or getattr(getattr(one, "target", None), "id", "") for one in body.body
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_dotted_names_on_a_page_exist(page: Path) -> None:
    named = set(DOTTED.findall(page.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not _exists(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_on_a_page_exist(page: Path) -> None:
    named = set(PATH.findall(page.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_what_is_not_there_is_told() -> None:
    assert not any(
        map(_exists, ("glm_local.nowhere", "glm_local.rows.engine.Motor", "glm_local.rows.engine.Engine.fly"))
    )
    assert all(map(_exists, ("glm_local.fit_glm", "glm_local.rows.engine.Engine.cells", "glm_spark.spark_engine")))
    assert PATH.findall("see `docs/nothing.md`, SECURITY.md and ../docs/x.md") == ["docs/nothing.md", "SECURITY.md"]


def _layers(package: str) -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers" and package in one["containers"]]
    return [f"{package}.{name.strip()}" for layer in layers for name in layer.split("|")]


@pytest.mark.parametrize("package", ["glm_local", "glm_spark"])
def test_the_page_of_the_house_lists_every_layer_in_order(package: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    heading = {"glm_local": "## Rooms of `glm_local`", "glm_spark": "## Modules of `glm_spark`"}[package]
    table = page.partition(heading)[2].partition("\n## ")[0]
    listed = [name for line in table.splitlines() if line.startswith("|") for name in DOTTED.findall(line)]
    assert listed == _layers(package)


def _prose(module: Path) -> set[str]:
    """Texts of a module that a user may read: more than one word, and no documentation of code."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in documentation)
    return {node.value for node in texts if isinstance(node.value, str) and " " in node.value.strip()}


def _glossary() -> list[list[str]]:
    lines = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "Word"]


def test_a_word_of_the_glossary_is_there_once_and_lives_somewhere() -> None:
    words = [row[0] for row in _glossary()]
    assert len(words) == len(set(words)) > 50
    assert [row for row in _glossary() if len(row) != 4 or not row[1] or not DOTTED.search(row[3])] == []


def test_messages_use_the_words_of_the_glossary() -> None:
    others = [word.strip() for row in _glossary() for word in row[2].split(",") if word.strip()]
    other = re.compile("|".join(rf"\b{re.escape(word.removesuffix('s'))}" for word in others), re.IGNORECASE)
    files = [path for path in source_files(*PRODUCT) if path.parts[:2] != ("glm_local", "testing")]
    assert [f"{path}: {text}" for path in files for text in _prose(ROOT / path) if other.search(text)] == []
