"""Heads kept elsewhere: written to a file, a Delta table, a tag of MLflow or a place of your own, and read back."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glm_local.audit.hash_chain import Head
from glm_local.audit.run_ids import utc_now
from glm_local.audit.store import Store
from glm_local.audit.table_files import local_path
from glm_local.audit.verify_audit import verify
from glm_local.errors import ConfigError, StoreError, nearest
from glm_local.texts.plain_json import canonical_json
from glm_local.texts.read_json import read_object

Place = str | Path | Callable[[str], object]
TAG = "glm.head."
PLACES = ("delta", "mlflow")


@dataclass(frozen=True)
class Anchor:
    """A study's head, as it was at a time."""

    study: str
    head: str
    at: str
    store: str

    @property
    def text(self) -> str:
        """One line of JSON."""
        return canonical_json(asdict(self))


def anchor(
    store: Store,
    to: Place,
    study: str | None = None,
    public_keys: str | Path | Sequence[str | Path] | None = None,
    clock: Callable[[], datetime.datetime] = utc_now,
) -> list[Anchor]:
    """Write the heads of a store that verifies to a place that its writers cannot write.

    Parameters
    ----------
    to
        A file, to which lines are added; a Delta table outside of the store (``delta:<folder or URI>``); a run of
        MLflow, whose tags are set (``mlflow:<run id>``); or a callable that is given each line.
    study
        Only this study's head.
    public_keys
        As in `verify`.

    Raises
    ------
    StoreError
        The store does not verify, or lacks a head that the place has; nothing is written.
    """
    kept = [] if callable(to) else _heads(_lines(store, to, missing_is_none=True), to, study)
    report = verify(store, study, kept, public_keys)
    if not report.ok:
        said = "; ".join(str(one) for one in report.findings[:3])
        raise StoreError.because(
            f"The store does not verify: {said}.",
            "A head is kept of a history that was looked at.",
            "Run glm audit verify, and take the store from a copy.",
        )
    at = clock().astimezone(datetime.UTC).isoformat(timespec="seconds")
    anchors = [Anchor(name, str(head), at, store.location) for name, head in report.heads.items() if head.seq >= 0]
    if callable(to):
        for one in anchors:
            to(one.text)
    elif anchors:
        _write(store, to, anchors)
    return anchors


def read_anchors(store: Store, place: str | Path, study: str | None = None) -> list[Head]:
    """Return the heads a place has, for `verify`; of one study where that is asked.

    Raises
    ------
    ConfigError
        There is no such place, or what it holds are no heads.
    """
    heads = _heads(_lines(store, place, missing_is_none=False), place, study)
    if not heads:
        raise ConfigError.because(
            f"{place} has no head of {study or 'any study'}.",
            "glm audit anchor writes them.",
            "Give that place.",
            "anchor",
        )
    return heads


def _heads(lines: Sequence[str], place: Place, study: str | None) -> list[Head]:
    heads = []
    for line in lines:
        try:
            said = read_object(line)
            if study in (None, said.get("study")):
                heads.append(Head.read(said.get("head")))
        except ValueError as error:
            raise ConfigError.because(
                f"{place} has a line that is no anchor: {error}.",
                "glm audit anchor writes one JSON object a line.",
                "Give the place it wrote to.",
                "anchor",
            ) from None
    return heads


def _kind(store: Store, place: str | Path) -> tuple[str, str]:
    """What a place is (file, delta, mlflow), and its name."""
    scheme, colon, rest = str(place).partition(":")
    kind, name = (scheme, rest) if colon and scheme in PLACES else ("file", str(place))
    if kind != "mlflow":
        here, there = local_path(name), local_path(store.location)
        if here is not None and there is not None and here.resolve().is_relative_to(there.resolve()):
            raise ConfigError.because(
                f"{name} lies in the store.",
                "A head proves something where the store's writers cannot write.",
                "Give a place elsewhere.",
                "anchor",
            )
    near = kind == "file" and colon and nearest(scheme, PLACES).startswith("Nearest")
    if near and len(scheme) > 1:  # C:/… is a drive
        raise ConfigError.because(
            f"{scheme!r} is no kind of place.",
            "Heads are kept in a file, delta:<folder or URI> or mlflow:<run id>.",
            nearest(scheme, PLACES),
            "anchor",
        )
    if kind == "file" and "://" in name:
        raise ConfigError.because(
            f"{name} is no file on this machine.",
            "An object store keeps heads in a Delta table.",
            f"Give delta:{name}.",
            "anchor",
        )
    return kind, name


def _lines(store: Store, place: str | Path, missing_is_none: bool) -> list[str]:
    kind, name = _kind(store, place)
    if kind == "mlflow":
        from glm_local.audit.mlflow_tags import read_tags

        return [value for key, value in read_tags(name).items() if key.startswith(TAG)]
    found = _delta_lines(name) if kind == "delta" else _file_lines(Path(name))
    if found is None and not missing_is_none:
        raise ConfigError.because(f"{place} is not there.", "", "Give the place glm audit anchor wrote to.", "anchor")
    return found or []


def _file_lines(file: Path) -> list[str] | None:
    try:
        return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreachable(str(file), error) from error


def _delta_lines(name: str) -> list[str] | None:
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        rows = DeltaTable(name).to_pyarrow_table().to_pylist()
    except TableNotFoundError:
        return None
    except Exception as error:  # deltalake's and pyarrow's errors have no common base
        raise _unreachable(name, error) from error
    return [canonical_json(row) for row in sorted(rows, key=lambda row: str(row.get("at")))]


def _write(store: Store, place: str | Path, anchors: Sequence[Anchor]) -> None:
    kind, name = _kind(store, place)
    if kind == "mlflow":
        from glm_local.audit.mlflow_tags import set_tags

        set_tags(name, {f"{TAG}{_tag_name(one.study)}": one.text for one in anchors})
        return
    try:
        _append(Path(name), anchors) if kind == "file" else _append_rows(name, [asdict(one) for one in anchors])
    except Exception as error:
        raise _unreachable(name, error) from error


def _append(file: Path, anchors: Sequence[Anchor]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write("".join(f"{one.text}\n" for one in anchors))
        lines.flush()
        os.fsync(lines.fileno())


def _append_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    write_deltalake(name, pa.Table.from_pylist([dict(row) for row in rows]), mode="append")


def _tag_name(study: str) -> str:
    """A study's name in the letters a tag may have; JSON escapes keep different names apart."""
    plain = json.dumps(study)[1:-1]
    return "".join(letter if letter.isalnum() or letter in "_-. /" else f"_{ord(letter):x}_" for letter in plain)


def _unreachable(name: str, error: BaseException) -> StoreError:
    said = " ".join(str(error).split())[:300]
    return StoreError.because(
        f"{name} cannot be read or written: {said}.", "Heads are kept there.", "Check the place and its rights."
    )  # type: ignore[return-value]
