"""Keys that are not columns of the table: what a row holds ("*") and its number in a stable source ("row_number")."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError, DataError, EngineError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Compare, HashBucket, Literal, Read
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine, Frame
from glm_local.validation.row_key import content_hash

CONTENT, ROW_NUMBER = "*", "row_number"
COLUMN_OF = {CONTENT: "(row content)", ROW_NUMBER: "(row number)"}
"""Column in which rows carry a key that is none of the table's own columns."""

NEARLY_UNIQUE = 0.9
"""Distinct rows for each row, from which on what a row holds names it."""

COUNTED = 50_000
GRAINS = (1, 2**5, 2**10, 2**15, 2**20)


def key_column(name: str, columns: Mapping[str, ColumnKind]) -> str:
    """The column a word of a key is read from: a column of that name, else the one rows carry for it.

    Examples
    --------
    >>> key_column("*", {"(row content)": "integer"}), key_column("row_number", {"row_number": "integer"})
    ('(row content)', 'row_number')
    """
    carried = COLUMN_OF.get(name)
    if name in columns or carried is None:
        return name
    if carried in columns:
        return carried
    raise ConfigError.because(
        f"the rows do not carry the key {name!r} yet.",
        "It is made of whole rows, not of one column.",
        "A study and a job add it; elsewhere call glm_local.validation.keyed_rows(engine, frame, key) first.",
        path="/split/key",
    )


def words_of(key: Sequence[str], columns: Collection[str]) -> list[str]:
    """The words of a key that are no columns of the table but mean content or row number."""
    return [name for name in dict.fromkeys(key) if name in COLUMN_OF and name not in columns]


@arguments_checked
def keyed_rows(engine: Engine[Frame], frame: Frame, key: str | Sequence[str], leave_out: Collection[str] = ()) -> Frame:
    """The rows with the columns that ``"*"`` and ``"row_number"`` stand for; other keys need none.

    Parameters
    ----------
    key
        Of a split or of folds.
    leave_out
        Columns that take no part in the content of a row: those with a role (target, exposure, weight, offset).

    Raises
    ------
    DataError
        The table has a column named like one that is to be added.
    ConfigError
        No column is left whose values could be hashed.
    EngineError
        Row numbers are asked of a source without a stable order.
    """
    kinds = engine.columns(frame)
    for word in words_of([key] if isinstance(key, str) else key, kinds):
        column = COLUMN_OF[word]
        if column in kinds:
            raise DataError.because(
                f"the table has a column {column!r}.",
                f"Rows carry the key {word!r} there.",
                "Rename the column.",
                path="/key",
            )
        frame = engine.numbered(frame, column) if word == ROW_NUMBER else _with_content(engine, frame, kinds, leave_out)
    return frame


def chosen_key(engine: Engine[Frame], frame: Frame, source: Frame, roles: Collection[str]) -> str:
    """The key of rows nobody named one for: their content where it names them, else their number. One pass.

    Content is what every column without a role holds. It names rows where there are at least nine distinct ones for
    ten rows, counted on whole groups of equal rows that a hash picks where there are more than 50,000.

    Raises
    ------
    ConfigError
        Rows are too much alike and their source has no stable order; the ways out are named.
    """
    share = _distinct_share(engine, frame, roles)
    if share >= NEARLY_UNIQUE:
        return CONTENT
    try:
        engine.numbered(source, COLUMN_OF[ROW_NUMBER])
    except EngineError as error:
        reason = " ".join(problem.found for problem in error.problems)
        raise ConfigError.because(
            f"no key is given, rows are too much alike to be told by what they hold ({share:.0%} of them are distinct, "
            f"columns with a role aside), and {reason}",
            "Rows are divided by a hash of a key, so that every engine and every day divides them alike.",
            "Name the column (or columns) that identifies a row or a group, key='policy'; write the rows to a Parquet "
            "file and give its path with key='row_number'; or keep equal rows together with key='*'.",
            path="/key",
        ) from error
    return ROW_NUMBER


def _with_content(
    engine: Engine[Frame], frame: Frame, kinds: Mapping[str, ColumnKind], leave_out: Collection[str]
) -> Frame:
    stages = content_hash({name: kind for name, kind in kinds.items() if name not in leave_out}, COLUMN_OF[CONTENT])
    for stage in stages:
        frame = engine.with_columns(frame, stage)
    return frame


def _distinct_share(engine: Engine[Frame], frame: Frame, roles: Collection[str]) -> float:
    """Distinct rows for each row, told on the finest picked part that has not too many of them."""
    kinds = {name: kind for name, kind in engine.columns(frame).items() if name not in roles}
    if not any(kind not in ("unsupported",) for kind in kinds.values()):
        return 0.0
    marked = _with_content(engine, frame, engine.columns(frame), roles)
    content = Read(COLUMN_OF[CONTENT], "integer")
    picked = HashBucket(Read(COLUMN_OF[CONTENT], "text"), "distinct rows", 0, GRAINS[-1])
    requests = [
        CellRequest(
            f"1 in {grain}",
            {"content": content},
            limit=COUNTED,
            overflow="none",
            where=None if grain == 1 else Compare("<", picked, Literal(GRAINS[-1] // grain)),
        )
        for grain in GRAINS
    ]
    answers = engine.cells(marked, requests)
    found = next((table for one in requests if (table := answers[one.name]) is not None and len(table)), None)
    return len(found) / int(found.rows.sum()) if found is not None else 0.0
