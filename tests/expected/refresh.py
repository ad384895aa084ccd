"""`make golden`: take R's figures and the small data over from the truth pack, and say what changed, number by number.

The pack lies beside the repository (``../shared/truth``); GLM_TRUTH names another place. Nothing is written when
nothing changed. Tests never call this on their own data: golden data change because somebody decided so.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.expected.canonical import canonical
from tests.expected.data_sets import DATA_SETS

EXPECTED = Path(__file__).resolve().parent
PLACE = "GLM_TRUTH"
TOLD_APART = ("id", "source", "model")
"""Keys of a case of the pack that are told under `origin`, or by the file's name."""


class RefreshError(Exception):
    """The source cannot be taken over, with the reason as a sentence."""


@dataclass(frozen=True)
class Pack:
    """What the truth pack says."""

    cases: dict[str, dict[str, Any]]
    data: dict[str, bytes]
    r_version: str


def source_folder() -> Path:
    """Where the truth pack should be."""
    return Path(os.environ.get(PLACE) or EXPECTED.parents[2] / "shared" / "truth")


def read_pack(folder: Path) -> Pack:
    """Read the pack; refuse one that is not whole."""
    for name in ("truth.json", "README.md", "data"):
        if not (folder / name).exists():
            raise RefreshError(
                f"{folder}/{name} is not there. Golden data are made from the truth pack: put it beside the "
                f"repository as ../shared/truth, or name its folder in {PLACE}."
            )
    version = re.search(r"\bR (\d+\.\d+\.\d+)", (folder / "README.md").read_text(encoding="utf-8"))
    if version is None:
        raise RefreshError(f"{folder}/README.md does not say which version of R made the figures (R x.y.z).")
    cases = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    data = {one.stem: one.read_bytes() for one in sorted((folder / "data").glob("*.csv"))}
    if unknown := sorted(set(data) - set(DATA_SETS)):
        raise RefreshError(f"Say origin and licence in tests/expected/data_sets.py first: {', '.join(unknown)}.")
    if without := sorted(name for name, one in cases.items() if one["csv"].removesuffix(".csv") not in data):
        raise RefreshError(f"{folder}/data lacks the rows of {', '.join(without)}.")
    return Pack(cases, data, version.group(1))


def golden_files(pack: Pack, target: Path, today: str) -> dict[str, bytes]:
    """Files below the target and what they should hold; a part that did not change keeps the day it was taken on."""
    files = {f"data/{name}.csv": content for name, content in pack.data.items()}
    known = _document(target / "data/origins.json") or {}
    origins = {name: _dated(_data_origin(name, pack), known.get(name), today) for name in pack.data}
    files["data/origins.json"] = canonical(origins).encode()
    for name, document in _cases(pack):
        files[f"r/{name}.json"] = canonical(_dated(document, _document(target / f"r/{name}.json"), today)).encode()
    return files


def _data_origin(name: str, pack: Pack) -> dict[str, Any]:
    said, digest = DATA_SETS[name], hashlib.sha256(pack.data[name]).hexdigest()
    origin = {"package": said.package, "licence": said.licence, "source": f"truth/data/{name}.csv", "sha256": digest}
    return {"about": said.about, "origin": origin}


def _cases(pack: Pack) -> Iterator[tuple[str, dict[str, Any]]]:
    last: dict[str, tuple[str, str]] = {}
    for name, case in pack.cases.items():
        source, model = case["source"], case["model"]
        known_source, known_model = last.get(case["csv"], (source, model))
        # The pack says "same" of what the case before has said.
        source = known_source if source == "same" else source
        model = (
            f"{known_model}; here{model.removeprefix('same').replace(',', '')}" if model.startswith("same") else model
        )
        last[case["csv"]] = (source, model)
        origin = {
            "data": source,
            "computed_by": f"R {pack.r_version}, {_function(name, case)}",
            "model": model,
            "source": "truth/truth.json",
        }
        yield name, {"origin": origin, **{key: one for key, one in case.items() if key not in TOLD_APART}}


def _function(name: str, case: Mapping[str, Any]) -> str:
    if "theta" in case:
        return "MASS::glm.nb"
    known = {"zip": "pscl::zeroinfl", "hurdle": "pscl::hurdle"}.get(name.rpartition("_")[2])
    return known or "stats::glm polished to a fixed point" + ("; hc_se by sandwich" if "hc_se" in case else "")


def _document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _dated(document: Mapping[str, Any], known: Mapping[str, Any] | None, today: str) -> dict[str, Any]:
    """The document with the day it was taken on: the known one where nothing else differs."""
    days = [today] if known is None else [known["origin"].get("taken"), today]
    dated = [{**document, "origin": {**document["origin"], "taken": day}} for day in days]
    return dated[0] if dated[0] == known else dated[-1]


def changes(name: str, old: bytes | None, new: bytes | None) -> list[str]:
    """What changed in a file, a line for each value."""
    if old == new:
        return []
    if old is None or new is None:
        return [f"{name}: {'new' if old is None else 'gone'}"]
    before, after = (dict(_values(name, one)) for one in (old, new))
    found = [
        f"{name} {place}: {_shown(before, place)} -> {_shown(after, place)}"
        + _relative(before.get(place), after.get(place))
        for place in {**before, **after}
        if before.get(place, ...) != after.get(place, ...)
    ]
    return found or [f"{name}: written another way, every value the same"]


def _values(name: str, content: bytes) -> Iterator[tuple[str, Any]]:
    """Every value of a JSON or CSV file with its place."""
    text = content.decode("utf-8")
    if name.endswith(".json"):
        yield from _leaves(json.loads(text), "")
        return
    for number, line in enumerate(csv.DictReader(io.StringIO(text)), 1):
        for column, value in line.items():
            yield f"row {number} {column}", _number(value)


def _number(text: Any) -> Any:
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list) and value:
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(one, f"{place} {key}".strip())
    else:
        yield place, value


def _shown(values: Mapping[str, Any], place: str) -> str:
    return repr(values[place]) if place in values else "nothing"


def _relative(old: Any, new: Any) -> str:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (old, new))
    if not numbers or not old or not math.isfinite(old):
        return ""
    return f" (relative {(new - old) / abs(old):+.1e})"


def refresh(folder: Path, target: Path = EXPECTED, today: str | None = None) -> list[str]:
    """Bring the golden data to what the pack says; returns what changed, nothing when nothing was written."""
    wanted = golden_files(read_pack(folder), target, today or datetime.date.today().isoformat())
    there = {
        path.relative_to(target).as_posix(): path.read_bytes()
        for part in ("r", "data")
        for path in sorted((target / part).glob("*"))
        if path.suffix in (".json", ".csv")
    }
    said: list[str] = []
    for name in sorted({*wanted, *there}):
        found = changes(name, there.get(name), wanted.get(name))
        said += found
        if found and name in wanted:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(wanted[name])
        elif found:
            (target / name).unlink()
    return said


def main() -> int:
    """Refresh, and print what changed."""
    try:
        said = refresh(source_folder())
    except RefreshError as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 2
    print("\n".join(said) or "Nothing changed, nothing was written.")
    if said:
        print(f"{len(said)} changes. Look at each before you commit it: git diff tests/expected")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
