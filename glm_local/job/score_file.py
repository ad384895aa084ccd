"""Scoring a file: rows in, the same rows with a column of scores out, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from glm_local.audit.fill_rows import sha256_text
from glm_local.audit.run_ids import utc_now
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Store
from glm_local.errors import ConfigError, EngineError
from glm_local.factors.spec_values import near_or
from glm_local.job.data_fingerprint import data_fingerprint
from glm_local.job.data_sources import DataSource, read_rows
from glm_local.models.model import Model
from glm_local.scoring.compile_score import ScoreKind
from glm_local.texts.plain_json import canonical_json
from glm_local.texts.safe_cell import safe_arrow


def _write_csv(table: pa.Table, path: Path) -> None:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; Parquet keeps it as it is."""
    csv.write_csv(safe_arrow(table), path)


WRITERS: dict[str, Callable[[pa.Table, Path], object]] = {".parquet": parquet.write_table, ".csv": _write_csv}


@dataclass(frozen=True)
class Scored:
    """What scoring did: rows, rows without a score, sum and mean of the scores."""

    rows: int
    refused: int
    total: float
    mean: float | None
    path: str


def score_file(
    model: Model[pd.DataFrame],
    source: DataSource,
    out: str | Path,
    kind: ScoreKind = "mean",
    output: str = "prediction",
) -> Scored:
    """Score a Parquet or CSV file, or a Delta table, into a Parquet or CSV file.

    A row a factor refuses (missing or unseen where the specification says so) has no score; such rows are counted.
    In a CSV file text that a spreadsheet would run gets an apostrophe in front; a Parquet file keeps every value.

    Raises
    ------
    ConfigError
        The output's ending is not known, or the rows have a column of the output's name.
    DataError
        Rows cannot be read, or lack a column the model reads.
    """
    target = Path(out)
    if target.suffix not in WRITERS:
        raise ConfigError.because(
            f"{out} ends in {target.suffix or 'nothing'!r}.",
            f"Scores are written as {' or '.join(WRITERS)}.",
            near_or(target.suffix, tuple(WRITERS), "Give such a name."),
            path="--out",
        )
    frame = read_rows(source)
    if output in frame.columns:
        raise ConfigError.because(
            f"The rows have a column {output!r} already.",
            "A score does not replace a column.",
            "Name the score by --column.",
            path="--column",
        )
    scored = model.predict(frame, kind, output)
    scores = np.asarray(scored[output], dtype=np.float64)
    known = scores[np.isfinite(scores)]
    _write(pa.Table.from_pandas(scored, preserve_index=False).replace_schema_metadata(None), target)
    return Scored(
        len(scores),
        len(scores) - len(known),
        float(known.sum()),
        float(known.mean()) if len(known) else None,
        str(target),
    )


def record_score(
    store: Store,
    model: Model[pd.DataFrame],
    source: DataSource,
    scored: Scored,
    kind: ScoreKind,
    study: str | None = None,
) -> str:
    """Record which model scored which rows, once for the same model, rows and file; returns the run's id."""
    asked = {"model": model.fingerprint, "source": source.name, "target": scored.path, "kind": kind}
    content = {**asked, "data": str(data_fingerprint(source))}
    run_id = f"score-{sha256_text(canonical_json(content))[:16]}"
    log = RunLog(store, study or model.document.name, run_id)
    if not log.is_finished:
        log.start("glm score", "pandas", asked, data={"fingerprint": content["data"]})
        log.table(
            "scored",
            "scores",
            [
                {
                    "model_id": model.fingerprint,
                    "source": source.name,
                    "target": scored.path,
                    "scored_at": utc_now(),
                    "rows": scored.rows,
                    "mean_score": scored.mean,
                    "details": {"total": scored.total, "refused": scored.refused},
                }
            ],
        )
        log.event("scored", "scored", payload=content)
        log.finish()
    return run_id


def _write(table: pa.Table, target: Path) -> None:
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[target.suffix](table, scratch)
        scratch.replace(target)
    except OSError as error:
        raise EngineError.because(
            f"{target} cannot be written: {error.strerror or error}.",
            "Scores go into a file.",
            "Give another path by --out.",
            path="--out",
        ) from None
    finally:
        scratch.unlink(missing_ok=True)
