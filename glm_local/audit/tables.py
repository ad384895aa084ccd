"""The audit's tables: one list of columns, rules and comments for every writer, and rows made to fit them.

Every table but `events` begins with the same five columns (whose run, which step, which row, when) and ends with the
SHA-256 of the row. `events` is the chain itself. Column text is kept plain so that any Delta reader understands it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import pyarrow as pa

ColumnType = Literal["text", "json", "integer", "number", "flag", "time"]
"""As stored: string, string of canonical JSON (its SHA-256 beside it), bigint, double, boolean, UTC timestamp."""

SCHEMA_VERSION = 2
"""Raised when a column is added; columns are only ever added, nullable, so that old hashes stay good.

A table made by an earlier version gets a later column with the first rows that are appended to it; until then it reads
as NULL.
"""

_ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}
_SQL: dict[ColumnType, str] = {
    "text": "STRING",
    "json": "STRING",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMP",
}


@dataclass(frozen=True)
class AuditColumn:
    """One column: its type, what it says, and the rules a value must keep.

    Parameters
    ----------
    name, type, comment
        The comment is a sentence fragment a reader of the table sees.
    required
        NOT NULL in the table.
    least
        Smallest allowed integer or number.
    length
        Exact number of characters of a text.
    since
        The `SCHEMA_VERSION` that brought it; a table that is older may lack it.
    """

    name: str
    type: ColumnType
    comment: str
    required: bool = False
    least: int | None = None
    length: int | None = None
    since: int = 1

    @property
    def check(self) -> str | None:
        """SQL text of the column's rule, the same for Spark and DataFusion; NULL passes unless `required`."""
        rules = []
        if self.least is not None:
            rules.append(f"{self.name} >= {self.least}")
        if self.length is not None:
            rules.append(f"length({self.name}) = {self.length}")
        if not rules and self.required and self.type == "text":
            rules.append(f"length({self.name}) > 0")
        if not rules:
            return None
        rule = " AND ".join(rules)
        return rule if self.required else f"{self.name} IS NULL OR {rule}"

    @property
    def sql_type(self) -> str:
        """Its type in SQL."""
        return _SQL[self.type]

    @property
    def ddl(self) -> str:
        """The column in CREATE TABLE."""
        comment = self.comment.replace("'", "")
        return f"`{self.name}` {self.sql_type}{' NOT NULL' if self.required else ''} COMMENT '{comment}'"


@dataclass(frozen=True)
class AuditTable:
    """One table of the audit."""

    name: str
    comment: str
    own: tuple[AuditColumn, ...] = field(repr=False)
    """Columns the writer fills in; the others are filled by the run log."""

    @cached_property
    def columns(self) -> tuple[AuditColumn, ...]:
        """Every column in order, SHA-256 columns of JSON columns included."""
        if self.name == "events":
            return tuple(_with_digests((*_EVENT_FIRST, *self.own, *_EVENT_LAST)))
        return tuple(_with_digests((*_ROW_FIRST, *self.own, *_ROW_LAST)))

    @cached_property
    def by_name(self) -> dict[str, AuditColumn]:
        """Name to column."""
        return {column.name: column for column in self.columns}

    def later_columns(self, there: Collection[str]) -> tuple[AuditColumn, ...]:
        """Columns that a table of the columns `there` lacks because an earlier version made it."""
        return tuple(one for one in self.columns if one.since > 1 and one.name not in there)

    @property
    def hash_column(self) -> str:
        """The column that holds the SHA-256 of the row's other columns."""
        return self.columns[-1].name

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema every writer hands over and every reader gets; comments travel as field metadata."""
        return pa.schema(
            [
                pa.field(one.name, _ARROW[one.type], nullable=not one.required, metadata={"comment": one.comment})
                for one in self.columns
            ]
        )

    @cached_property
    def checks(self) -> dict[str, str]:
        """Constraint name to SQL text, at most one per column."""
        return {f"{one.name}_rule": one.check for one in self.columns if one.check is not None}

    @property
    def properties(self) -> dict[str, str]:
        """Delta table properties; constraints among them, so that one commit makes the table and its rules."""
        return DELTA_PROPERTIES | {f"delta.constraints.{name}": rule for name, rule in self.checks.items()}


DELTA_PROPERTIES = {
    "delta.appendOnly": "true",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "100",
}
"""Append-only, nothing expires. Deletion vectors, row tracking and clustering stay off: each locks a writer out."""

DELTA_PROTOCOL = (1, 3)
"""Reader and writer version of every audit table; CHECK needs writer 3, anything above shuts readers out."""


def _text(name: str, comment: str, required: bool = False, length: int | None = None) -> AuditColumn:
    return AuditColumn(name, "text", comment, required, length=length)


def _json(name: str, comment: str, required: bool = False) -> AuditColumn:
    return AuditColumn(name, "json", comment + " (canonical JSON)", required)


def _count(name: str, comment: str, required: bool = False) -> AuditColumn:
    return AuditColumn(name, "integer", comment, required, least=0)


def _number(name: str, comment: str) -> AuditColumn:
    return AuditColumn(name, "number", comment)


def _with_digests(columns: tuple[AuditColumn, ...]) -> Iterator[AuditColumn]:
    for column in columns:
        yield column
        if column.type == "json":
            yield _text(f"{column.name}_sha256", f"SHA-256 of {column.name}", column.required, length=64)


_ROW_FIRST = (
    _text("study_id", "study the run belongs to", required=True),
    _text("run_id", "run that wrote the row", required=True),
    _text("step", "step of the run that wrote the row", required=True),
    _count("position", "number of the row among the rows the run wrote here, from 0", required=True),
    AuditColumn("written_at", "time", "when the row was written, UTC", required=True),
)
_ROW_LAST = (_text("row_sha256", "SHA-256 of the row without this column", required=True, length=64),)
_EVENT_FIRST = (
    _text("study_id", "study whose chain this is", required=True),
    _count("seq", "number of the event in its study, from 0", required=True),
    _text("run_id", "run that did it", required=True),
    _text("step", "step of the run, once per run", required=True),
)
_EVENT_LAST = (
    _text("prev_hash", "row_hash of the event before; 64 zeros for the first", required=True, length=64),
    _text("row_hash", "SHA-256 of the event without this column", required=True, length=64),
)


def _table(name: str, comment: str, *own: AuditColumn) -> tuple[str, AuditTable]:
    return name, AuditTable(name, comment, own)


TABLES: Mapping[str, AuditTable] = dict(
    [
        _table(
            "events",
            "One line of history per row, chained by hash within a study",
            _text("event", "what happened: started, fitted, accepted, finished, …", required=True),
            _text("by_user", "who decided or ran it", required=True),
            AuditColumn("at", "time", "when, UTC", required=True),
            _text("factor", "factor it is about"),
            _text("reason", "why, in the words of who decided"),
            _json("payload", "evidence and details", required=True),
            _json("wrote", "rows written to other tables since the event before, by table and step, with digests"),
        ),
        _table(
            "runs",
            "One row per run: what was asked and on what",
            _text("command", "what was started", required=True),
            _text("engine", "pandas or spark", required=True),
            _text("package_version", "version of the package", required=True),
            AuditColumn("started_at", "time", "when, UTC", required=True),
            _text("by_user", "who started it", required=True),
            _json("config", "the configuration as it was read", required=True),
            _json("data", "where the rows came from and what they were"),
            _json("environment", "versions of what it ran on"),
        ),
        _table(
            "specs",
            "Factor and model specifications by fingerprint",
            _text("fingerprint", "SHA-256 of what the specification means", required=True, length=64),
            _text("kind", "factor, model or run", required=True),
            _text("name", "name of the factor or model", required=True),
            _json("document", "the specification", required=True),
        ),
        _table(
            "models",
            "Fitted models",
            _text("model_id", "fingerprint of the fitted model", required=True),
            _text("name", "name of the model", required=True),
            _text("family", "family of the response", required=True),
            _text("link", "link function", required=True),
            _text("route", "cells, blocks, statsmodels or spark_ml"),
            AuditColumn("converged", "flag", "whether the fit converged"),
            _text("convergence", "why the fit stopped"),
            _count("iterations", "Newton steps"),
            _count("rows", "rows used"),
            _number("deviance", "residual deviance"),
            _number("null_deviance", "deviance of the intercept alone"),
            _number("log_likelihood", "log-likelihood at the estimates"),
            _number("aic", "Akaike information criterion"),
            _number("bic", "Bayesian information criterion"),
            _number("dispersion", "dispersion"),
            _json("document", "the model as saved", required=True),
        ),
        _table(
            "coefficients",
            "Coefficients of fitted models",
            _text("model_id", "model", required=True),
            _text("term", "name of the coefficient", required=True),
            _text("factor", "factor it belongs to"),
            _text("level", "level of the factor"),
            AuditColumn("is_base", "flag", "base level of its factor"),
            AuditColumn("is_aliased", "flag", "dropped because others determine it"),
            _number("estimate", "coefficient on the link scale"),
            _number("standard_error", "its standard error"),
            _number("statistic", "estimate over standard error"),
            _number("p_value", "two-sided p value"),
            _number("lower", "lower end of the confidence interval"),
            _number("upper", "upper end of the confidence interval"),
            _number("relativity", "inverse link of the coefficient, for a log or logit link its exponential"),
            AuditColumn("inference", "text", "what p_value and interval rest on, NULL: the rows alone", since=2),
        ),
        _table(
            "trials",
            "Candidate designs that were tried",
            _text("trial", "name of the trial", required=True),
            _text("factor", "factor under review"),
            _text("method", "how the candidate was found"),
            _text("fingerprint", "specification tried"),
            _text("metric", "what was measured"),
            _number("value", "its value"),
            _json("details", "settings and other measures"),
        ),
        _table(
            "rankings",
            "Candidates in the order a screening put them",
            _text("ranking", "name of the ranking", required=True),
            AuditColumn("place", "integer", "1 is best", required=True, least=1),
            _text("candidate", "name of the candidate", required=True),
            _text("metric", "what they were ranked by"),
            _number("value", "its value"),
            _json("details", "other measures"),
        ),
        _table(
            "report_tables",
            "Rows of reports: actual against expected, lift, calibration, summaries",
            _text("report", "name of the report", required=True),
            _text("sample", "train, validation, holdout, …"),
            _text("factor", "factor it is about"),
            _text("level", "level, band or line it is about"),
            _json("cells", "the row", required=True),
        ),
        _table(
            "scores",
            "Tables that were scored, and by which model",
            _text("model_id", "model", required=True),
            _text("source", "table that was scored", required=True),
            _text("target", "table the scores went to"),
            AuditColumn("scored_at", "time", "when, UTC", required=True),
            _count("rows", "rows scored"),
            _number("mean_score", "mean of the scores"),
            _json("details", "totals and refusals"),
        ),
        _table(
            "monitoring",
            "Measures of models in use, by period and segment",
            _text("model_id", "model", required=True),
            _text("period", "period measured", required=True),
            _text("segment", "segment measured"),
            _text("metric", "what was measured", required=True),
            _number("value", "its value"),
            _number("lower", "lower limit"),
            _number("upper", "upper limit"),
            _json("details", "counts behind it"),
        ),
        _table(
            "policies",
            "Decisions derived from models: cutoffs, allocations",
            _text("policy_id", "fingerprint of the policy", required=True),
            _text("name", "name of the policy", required=True),
            _text("status", "proposed, accepted, withdrawn"),
            _json("document", "the policy", required=True),
        ),
        _table(
            "artifacts",
            "Files and texts a run made",
            _text("name", "name of the artifact", required=True),
            _text("media_type", "what it is", required=True),
            _text("location", "where the file was put"),
            _count("size", "bytes"),
            _text("sha256", "SHA-256 of its bytes", required=True, length=64),
            _text("content", "its text, when it is kept here"),
        ),
    ]
)
"""Name to table, in the order a reader meets them."""

EVENTS = TABLES["events"]
