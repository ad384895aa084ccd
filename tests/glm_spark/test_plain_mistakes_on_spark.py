from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.suites.plain_mistakes import CROSS, REFUSED, ROWS, X, levels

pytest.importorskip("pyspark")

from glm_local import GlmError
from glm_local import fit_glm as fit_local
from glm_spark import fit_glm

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

ON_ROWS = ("a text target", "a linear factor on text", "a filter on a column that is not there", "a flag for ridge")


@pytest.mark.parametrize("name", ON_ROWS)
def test_a_mistake_is_told_in_the_same_words(spark: SparkSession, name: str) -> None:
    asked, said = REFUSED[name]
    with pytest.raises(GlmError, match=said):
        fit_glm(spark.createDataFrame(ROWS), **{"target": "y", "factors": [X], **asked})


def test_a_csv_file_a_filter_and_a_crossing_listed_first_give_the_same_model(
    spark: SparkSession, tmp_path: Path
) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    asked = {"target": "y", "factors": [CROSS, levels("a"), levels("b")], "where": "x > -0.5 and flag"}
    model = fit_glm(str(tmp_path / "rows.csv"), **asked)
    local = fit_local(ROWS, **asked)
    assert model.statistics.rows == local.statistics.rows
    assert model.statistics.deviance == pytest.approx(local.statistics.deviance, rel=1e-12)
