"""New columns beside those of a frame: none is replaced unasked."""

from __future__ import annotations

from collections.abc import Mapping

from glm_local.errors import ConfigError
from glm_local.expressions.expression import Expression
from glm_local.rows.engine import Engine, Frame


def with_new_columns(
    engine: Engine[Frame], frame: Frame, columns: Mapping[str, Expression], option: str, overwrite: bool = False
) -> Frame:
    """The frame with more columns.

    Parameters
    ----------
    option
        The argument that names them, for the way out.
    overwrite
        Whether columns that are there may be replaced.

    Raises
    ------
    ConfigError
        A column is there already, and replacing it was not asked for.
    """
    there = () if overwrite else [name for name in engine.columns(frame) if name in columns]
    if there:
        raise ConfigError.because(
            f"the column {there[0]!r} is there already.",
            "No column is replaced unasked.",
            f"Give another {option}=, or overwrite=True.",
            path=option,
        )
    return engine.with_columns(frame, columns)
