"""Sample codes: the fold of a training row, one number for validation, one for the holdout."""

from __future__ import annotations

from glm_local.errors import DataError, nearest
from glm_local.expressions.expression import Compare, Expression, Literal, Lookup, When

SAMPLES = ("train", "validation", "holdout")
SAMPLE = "(sample)"
SAMPLE_COLUMN = "(sample code)"
GROUP = "(key group)"
"""Field of the groups of whole keys, and the column they are named in."""


def sample_code(sample: Expression, fold: Expression, folds: int) -> Expression:
    """Fold of training rows, then validation, then holdout; missing where there is no sample."""
    later = Lookup(sample, SAMPLES[1:], (folds, folds + 1), None, None)
    return When(Compare("==", sample, Literal(SAMPLES[0])), fold, later)


def sample_flag(code: Expression, sample: str, folds: int) -> Expression:
    """Flag of the rows of one sample, by their sample code."""
    at = SAMPLES.index(known_sample(sample))
    return Compare("<", code, Literal(folds)) if at == 0 else Compare("==", code, Literal(folds + at - 1))


def known_sample(sample: str) -> str:
    """The name of a sample, if it is one."""
    if sample not in SAMPLES:
        raise DataError.because(
            f"{sample!r} is not a sample.", f"Samples are {', '.join(SAMPLES)}.", nearest(sample, SAMPLES)
        )
    return sample
