"""The auditor's questions as plain SQL over the audit's tables, for Spark and DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glm_local.audit.tables import TABLES
from glm_local.errors import ConfigError, nearest
from glm_local.sql.statement import quote_identifier, quote_literal


@dataclass(frozen=True)
class Question:
    """One question: its SQL, with ``{events}`` for a table and ``:study`` for what is asked about."""

    means: str
    asks: tuple[str, ...]
    sql: str


QUESTIONS: Mapping[str, Question] = {
    "history": Question(
        "Who did what in a study, when, why and on what evidence",
        ("study",),
        """
        SELECT seq, {at}, by_user, event, factor, reason, run_id, step, payload
        FROM {events} WHERE study_id = :study ORDER BY seq
        """,
    ),
    "runs": Question(
        "The runs of a study and how they ended",
        ("study",),
        """
        SELECT s.run_id, r.command, r.engine, r.package_version, s.{at} AS started_at, s.by_user, f.{at} AS finished_at,
               coalesce({json}(f.payload, '$.status'), 'not finished') AS status,
               f.seq AS head_seq, f.row_hash AS head_hash
        FROM {events} s
        LEFT JOIN {events} f ON f.study_id = s.study_id AND f.run_id = s.run_id AND f.event = 'finished'
        LEFT JOIN {runs} r ON r.study_id = s.study_id AND r.run_id = s.run_id
        WHERE s.study_id = :study AND s.event = 'started' ORDER BY s.seq
        """,
    ),
    "show": Question(
        "Everything one run recorded as events",
        ("run",),
        """
        SELECT seq, {at}, by_user, event, step, factor, reason, payload, wrote
        FROM {events} WHERE run_id = :run ORDER BY seq
        """,
    ),
    "who_decided": Question(
        "Who decided on a factor, in order",
        ("study", "factor"),
        """
        SELECT seq, {at}, by_user, event, reason, run_id, payload
        FROM {events} WHERE study_id = :study AND factor = :factor
          AND event IN ({decisions}) ORDER BY seq
        """,
    ),
    "why_is_it_in": Question(
        "What was said about a factor up to the end of a run",
        ("run", "factor"),
        """
        SELECT e.seq, e.{at}, e.by_user, e.event, e.reason, e.run_id, e.payload
        FROM {events} e
        JOIN (SELECT study_id, max(seq) AS last_seq FROM {events} WHERE run_id = :run GROUP BY study_id) l
          ON l.study_id = e.study_id AND e.seq <= l.last_seq
        WHERE e.factor = :factor ORDER BY e.seq
        """,
    ),
    "what_changed": Question(
        "Coefficients and relativities of two runs side by side where they differ",
        ("run_a", "run_b"),
        """
        SELECT coalesce(a.term, b.term) AS term, a.estimate AS estimate_a, b.estimate AS estimate_b,
               b.estimate - a.estimate AS difference, coalesce(a.factor, b.factor) AS factor,
               coalesce(a.level, b.level) AS level, a.relativity AS relativity_a, b.relativity AS relativity_b
        FROM (SELECT * FROM {coefficients} WHERE run_id = :run_a) a
        FULL OUTER JOIN (SELECT * FROM {coefficients} WHERE run_id = :run_b) b ON a.term = b.term
        WHERE a.term IS NULL OR b.term IS NULL OR NOT (a.estimate IS NOT DISTINCT FROM b.estimate) ORDER BY 1
        """,
    ),
    "holdout_looks": Question(
        "Every look at the holdout of a study: who, when, why, at what",
        ("study",),
        """
        SELECT seq, {at}, by_user, event, factor, reason, run_id, payload
        FROM {events} WHERE study_id = :study AND (event = 'looked' OR step = 'holdout_looked_at') ORDER BY seq
        """,
    ),
    "which_model_scored": Question(
        "Which model wrote a table's scores, as of a time",
        ("table", "at"),
        """
        SELECT model_id, source, scored_at, {rows}, run_id
        FROM {scores} WHERE target = :table AND scored_at <= CAST(:at AS TIMESTAMP) ORDER BY scored_at DESC LIMIT 1
        """,
    ),
    "reproduce": Question(
        "What it takes to run a run again: configuration, code, data, and the models it reached",
        ("run",),
        """
        SELECT r.command, r.engine, r.package_version, r.config, r.config_sha256, r.data, r.environment, m.model_id,
               e.head_seq AS last_event
        FROM {runs} r
        LEFT JOIN (SELECT DISTINCT run_id, model_id FROM {models} WHERE run_id = :run) m ON m.run_id = r.run_id
        LEFT JOIN (SELECT run_id, max(seq) AS head_seq FROM {events} WHERE run_id = :run GROUP BY run_id) e
          ON e.run_id = r.run_id
        WHERE r.run_id = :run
        """,
    ),
}
"""Question to its SQL. `verify` has no SQL: it recomputes hashes and reads files."""

DECISIONS = (
    "accepted",
    "rejected",
    "replaced",
    "smoothed",
    "removed",
    "undone",
    "refined",
    "crossed",
    "decided",
    "finalized",
)
"""Events in which somebody decided on a factor."""

_JSON_TEXT = {"spark": "get_json_object", "duckdb": "json_extract_string"}


def audit_query(
    question: str, asked: Mapping[str, str], tables: Mapping[str, str] | None = None, dialect: str = "spark"
) -> str:
    """Return the SQL of a question.

    Parameters
    ----------
    question
        A key of `QUESTIONS`.
    asked
        What it is about, by the names in its `asks`.
    tables
        Audit table to what stands in FROM (``delta.`/data/audit/events```); a table left out goes by its own name.
    dialect
        "spark" or "duckdb".

    Examples
    --------
    >>> print(audit_query("show", {"run": "r1"}, {"events": "main.audit.events"}))
    SELECT seq, `at`, by_user, event, step, factor, reason, payload, wrote
    FROM main.audit.events WHERE run_id = 'r1' ORDER BY seq
    """
    for kind, name, known in (("question", question, tuple(QUESTIONS)), ("dialect", dialect, tuple(_JSON_TEXT))):
        if name not in known:
            raise ConfigError.because(f"There is no {kind} {name!r}.", "", nearest(name, known), path=kind)
    asks = QUESTIONS[question].asks
    if set(asked) != set(asks):
        found = f"{question} was asked about {', '.join(asked) or 'nothing'}."
        raise ConfigError.because(found, f"It is asked about {', '.join(asks)}.", "Give these.", path=question)
    sql = "\n".join(line.strip() for line in QUESTIONS[question].sql.strip().splitlines())
    sql = sql.replace("{json}", _JSON_TEXT[dialect])
    sql = sql.replace("{decisions}", ", ".join(quote_literal(one, dialect) for one in DECISIONS))
    for name in ("at", "rows"):  # words SQL keeps for itself in some dialects
        sql = sql.replace("{" + name + "}", quote_identifier(name, dialect))
    for name in TABLES:
        sql = sql.replace("{" + name + "}", (tables or {}).get(name, quote_identifier(name, dialect)))
    for name in sorted(asks, key=len, reverse=True):
        sql = sql.replace(f":{name}", quote_literal(asked[name], dialect))
    return sql


def tables_at(location: str) -> dict[str, str]:
    """Return what stands in Spark's FROM for every audit table under a path.

    Examples
    --------
    >>> tables_at("/data/audit")["events"]
    'delta.`/data/audit/events`'
    """
    return {name: f"delta.{quote_identifier(f'{location}/{name}', 'spark')}" for name in TABLES}
