from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from glm_local import ConfigError, RunFolder, audit, fit_glm, load_model
from glm_local.cli.commands import run_app
from glm_local.stores.delta_store import open_store

CONF = """
[job]
name = "a"
[data]
path = "rows.parquet"
[roles]
target = "y"
key = "id"
[split]
method = "hash"
[model]
family = "poisson"
"""
X = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
ROWS = pd.DataFrame({"x": [0.1, 0.2, 0.3, 0.4], "y": [1, 2, 2, 3]})

WITH_NUL: dict[str, Callable[[], object]] = {
    "rows": lambda: fit_glm("a\0b.parquet", target="y", factors=[X]),
    "a model": lambda: load_model("a\0b"),
    "a store": lambda: open_store("a\0b"),
    "a run's folder": lambda: RunFolder("a\0b"),
    "a file to save": lambda: fit_glm(ROWS, target="y", factors=[X]).save("a\0b"),
}


@pytest.mark.parametrize("name", WITH_NUL)
def test_a_path_with_a_nul_is_told_and_ends_no_process(name: str) -> None:
    with pytest.raises(ConfigError, match="control character"):
        WITH_NUL[name]()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--store", "foo://x"],
        ["--store", "a\0b"],
        ["--store", "a%20b"],
        ["--store", "a*b"],
        ["--store", "a[b]"],
        ["--store", "a|b"],
        ["--out", "a\0b"],
        ["--set", 'data.path="a\\u0000b"'],
        ["--set", "output.store='what://x'"],
    ],
)
def test_a_place_nothing_can_be_written_to_is_bad_configuration(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ROWS.assign(id=range(4)).to_parquet("rows.parquet")
    Path("job.toml").write_text(CONF)
    assert run_app(["run", "job.toml", "--quiet", *arguments]) == 2
    said = capfd.readouterr().err
    assert "panicked" not in said
    assert "Traceback" not in said
    assert [one.name for one in tmp_path.iterdir() if one.name not in ("rows.parquet", "job.toml")] == []


@pytest.mark.parametrize("folder", ["a b", "Größe und Maß", "it's", "50+1", "a,b;c=d&e"])
def test_a_store_in_a_folder_of_other_letters_is_written_read_and_verified(folder: str, tmp_path: Path) -> None:
    from glm_local import GLMStudy

    rows = pd.DataFrame({"y": [0, 1, 2] * 200, "x": [0.1, 0.2, 0.3, 0.4] * 150, "id": range(600)})
    study = GLMStudy(rows, target="y", key="id", candidates=["x"], store=tmp_path / folder)
    study.reject("x", "tried")
    study.close()
    store = open_store(tmp_path / folder)
    assert audit.verify(store).ok, str(audit.verify(store))
    assert [one["event"] for one in audit.history(store)][-1] in ("rejected", "closed", "finished")
    assert [one.name for one in tmp_path.iterdir()] == [folder]
