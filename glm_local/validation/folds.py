"""Folds for cross-validation: independent of the split, by MD5 of the same kind of key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.validation.split import key_bucket


def key_group_expression(key: Sequence[str], columns: Mapping[str, ColumnKind], seed: int, groups: int) -> Expression:
    """``integer`` group of a row's key, from 0 to ``groups - 1``, never missing; independent of split and folds."""
    return key_bucket(list(key), columns, "key group", seed, groups)


@arguments_checked
def fold_expression(
    key: str | Sequence[str], columns: Mapping[str, ColumnKind], folds: int = 5, seed: int = 0
) -> Expression:
    """``integer`` fold of a row, from 0 to ``folds - 1``; missing where the key is.

    Folds have a hash purpose of their own, so one sample of a split with the same seed spreads evenly over folds.

    Parameters
    ----------
    key
        Column or columns whose equal values stay in one fold.
    columns
        Column kinds of the table (`Engine.columns`).
    folds
        2 or more.
    seed
        Any integer.

    Examples
    --------
    >>> bucket = fold_expression("policy", {"policy": "integer"}, folds=3, seed=7)
    >>> bucket.purpose, bucket.seed, bucket.buckets
    ('fold', 7, 3)
    """
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ConfigError.because(
            f"folds is {folds!r}.", "Cross-validation needs 2 folds or more.", "5 or 10 are usual.", path="folds"
        )
    names = [key] if isinstance(key, str) else list(key)
    if not names:
        raise ConfigError.because(
            "no key is given.",
            "Rows go to folds by a hash of their key; row order is no key.",
            "Name the column that identifies a row or a group.",
            path="key",
        )
    return key_bucket(names, columns, "fold", seed, folds)
