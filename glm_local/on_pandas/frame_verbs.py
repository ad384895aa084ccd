"""The public verbs on frames of this package: samples, tables, comparisons; what they do is in neutral rooms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from glm_local import diagnostics, sampling
from glm_local.arguments.checked import arguments_checked
from glm_local.pandas_rows.frames import FrameLike
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.engine_bound import bound_to
from glm_local.sampling import STRATUM, TIES, WEIGHT, draw_sample

TABLE = "pandas or polars frame, Arrow table, or the path of Parquet files or a Delta table."
on_pandas = bound_to(PandasEngine, TABLE)

aggregate_table = on_pandas(diagnostics.aggregate_table)
aggregate_rate_table = on_pandas(diagnostics.aggregate_rate_table)
by_factor_report = on_pandas(diagnostics.by_factor_report)
calibration = on_pandas(diagnostics.calibration)
double_lift = on_pandas(diagnostics.double_lift)
drift = on_pandas(diagnostics.drift)
lift = on_pandas(diagnostics.lift)
missing_strata = on_pandas(sampling.missing_strata)
model_version_comparison = on_pandas(diagnostics.model_version_comparison)
summary = on_pandas(diagnostics.summary)
train_validation_comparison = on_pandas(diagnostics.train_validation_comparison)
validation_report = on_pandas(diagnostics.validation_report)


@arguments_checked
def stratified_sample(
    frame: FrameLike,
    strata: str | Sequence[str],
    *,
    size: int | None = None,
    fraction: float | None = None,
    min_per_stratum: int = 1,
    seed: int = 0,
    key: str | Sequence[str] | None = None,
    weight_column: str | None = "sample_weight",
) -> pd.DataFrame:
    """Draw a sample with so many rows of every stratum, by hash: alike on both engines and for any order of rows.

    One pass over the rows up to 50,000 distinct keys, two beyond, besides the one that takes the rows out.

    Parameters
    ----------
    frame
        pandas or polars frame, Arrow table, or the path of Parquet files or a Delta table.
    strata
        Column or columns; every combination that occurs is a stratum. A missing value is a value; timestamps count
        by their day.
    size
        Rows in all: every stratum gives `min_per_stratum` (or all it has), the rest goes in proportion to the
        strata's rows by the largest remainder. All rows when there are fewer.
    fraction
        Instead of `size`: ``ceil(fraction * rows)`` of every stratum, at least `min_per_stratum`.
    min_per_stratum
        Least rows of a stratum; with 0 a stratum may be left out.
    seed
        Another seed draws independently.
    key
        Column or columns whose equal values are drawn together; sizes are then those nearest to the asked ones (the
        asked ones, where the key names a single row). None draws by all a row holds, and sizes are exact.
    weight_column
        Column added: rows of the stratum over rows drawn from it, so that weights add up to the stratum's rows.
        None adds nothing.

    Returns
    -------
    DataFrame
        The rows drawn, in their order, with all their columns.

    Raises
    ------
    ConfigError
        Both or none of size and fraction; a size below the least rows of all strata; a column that is not there, or
        is there already.

    Examples
    --------
    >>> frame = pd.DataFrame({"area": ["a"] * 10 + ["b"] * 20 + ["c"] * 30, "policy": range(60)})
    >>> sample = stratified_sample(frame, "area", size=12, min_per_stratum=2, key="policy")
    >>> sample["area"].value_counts(sort=False).to_dict()
    {'a': 3, 'b': 4, 'c': 5}
    >>> sample.groupby("area")["sample_weight"].sum().tolist()
    [10.0, 20.0, 30.0]
    """
    engine = PandasEngine()
    with engine.holding(frame) as held:
        draw = draw_sample(
            engine,
            held,
            strata,
            size=size,
            fraction=fraction,
            min_per_stratum=min_per_stratum,
            seed=seed,
            key=key,
            weight_column=weight_column,
        )
    marked: pd.DataFrame = draw.marked
    ties = marked[TIES].to_numpy()
    kept = marked[WEIGHT].notna().to_numpy(copy=True)
    if draw.has_ties:
        tied = ties > 0
        place = marked.loc[tied].groupby(STRATUM).cumcount().to_numpy()
        kept[tied] = place < ties[tied]
    sample: pd.DataFrame = marked.loc[kept, list(draw.columns)]
    return sample if weight_column is None else sample.assign(**{weight_column: marked.loc[kept, WEIGHT]})


__all__ = [
    "aggregate_rate_table",
    "aggregate_table",
    "by_factor_report",
    "calibration",
    "double_lift",
    "drift",
    "lift",
    "missing_strata",
    "model_version_comparison",
    "stratified_sample",
    "summary",
    "train_validation_comparison",
    "validation_report",
]
