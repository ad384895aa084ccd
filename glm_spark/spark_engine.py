"""The engine's verbs on a Spark DataFrame, classic or Connect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from glm_local.arguments.checked import arguments_checked
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, Read
from glm_local.pandas_rows.frames import arrow_table, is_delta, no_order
from glm_local.rows.blocks import BlockDesign, Blocks
from glm_local.rows.cell_pass import cell_pass
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import PassCounter
from glm_local.rows.key_layout import KeyLayout, key_layout
from glm_local.rows.pack_rows import design_numbers
from glm_local.rows.quantile_grid import quantile_pass
from glm_local.rows.row_pass import RowPass, column_name
from glm_local.rows.sample_rows import BUCKETS, checked_key, sample_bucket, sample_filter, sample_request
from glm_local.sql.statement import print_sql, quote_identifier
from glm_spark.answer_tree import DEFAULT, Merging, gathered
from glm_spark.block_store import Materialise, SparkBlocks
from glm_spark.lookup_join import join_lookups
from glm_spark.partition_work import (
    ANSWER_SCHEMA,
    row_pass_merge,
    row_pass_work,
    table_from_bytes,
)
from glm_spark.query_settings import ROWS_OUT, query_settings
from glm_spark.row_numbers import numbered_files
from glm_spark.session import spark_session
from glm_spark.small_partitions import gathered_rows, learn_partitions, partitions_of, pass_on
from glm_spark.spark_errors import explained
from glm_spark.spark_frames import as_spark_frame, column_kinds, is_path, rows_to_spark

BUCKET = "sample bucket"

Answer = TypeVar("Answer")


class SparkEngine:
    """Rows in a Spark DataFrame.

    Parameters
    ----------
    spark
        The session; None takes the active one or starts a local one (`glm_spark.session.spark_session`).
    materialise
        Where packed blocks are kept: "cache", or "table" on clusters that refuse to cache (serverless).
    scratch
        Catalog and schema for scratch tables when `materialise` is "table"; empty is the current one.
    merging
        From how many partitions, or bytes of their answers, on answers are merged on executors.
    """

    name = "spark"

    @arguments_checked
    def __init__(
        self,
        spark: SparkSession | None = None,
        materialise: Materialise = "cache",
        scratch: str = "",
        merging: Merging = DEFAULT,
    ) -> None:
        self.spark = spark if spark is not None else spark_session()
        self.passes = PassCounter()
        self._materialise = materialise
        self._scratch = scratch
        self._merging = merging

    @contextmanager
    def holding(self, frame: Any) -> Iterator[DataFrame]:
        """Open a source once for several verbs; rows are not cached."""
        yield self._frame(frame)

    def columns(self, frame: Any) -> dict[str, ColumnKind]:
        """Name to physical kind, in the table's order, from the schema."""
        return column_kinds(self._frame(frame))

    def with_columns(self, frame: Any, columns: Mapping[str, Expression]) -> DataFrame:
        """Return the same rows with more columns, lazily; an existing name is replaced where it stands."""
        held = self._frame(frame)
        kinds = column_kinds(held)
        joined = join_lookups(held, kinds, list(columns.values()))
        texts = {name: joined.sql(one) for name, one in zip(columns, joined.expressions, strict=True)}
        selected = {name: texts.get(name, quote_identifier(name)) for name in kinds} | texts
        with explained():
            named = (f"{sql} AS {quote_identifier(name)}" for name, sql in selected.items())
            return pass_on(held, joined.frame.selectExpr(*named))

    def numbered(self, frame: Any, name: str) -> DataFrame:
        """The same rows with their number: of Parquet files (in the order of their paths; a pass), or of local rows."""
        if isinstance(frame, DataFrame) or (isinstance(frame, str) and not is_path(frame)):
            raise no_order(f"Table {frame}" if isinstance(frame, str) else "A Spark DataFrame")
        if not is_path(frame):
            rows = arrow_table(frame)
            return rows_to_spark(self.spark, rows.append_column(name, pa.array(range(rows.num_rows), pa.int64())))
        if is_delta(Path(frame)):
            raise no_order(f"{frame} is a Delta table, which")
        return numbered_files(self, self._frame(frame), name)

    def cells(self, frame: Any, requests: Sequence[CellRequest]) -> dict[str, DesignTable | None]:
        """One design table per request, all in one job."""
        purpose = ", ".join(request.name for request in requests)
        return self._row_pass("cells", purpose, self._frame(frame), cell_pass(requests)) if requests else {}

    def quantiles(
        self,
        frame: Any,
        columns: Mapping[str, Expression],
        probabilities: Sequence[float],
        weight: Expression | None = None,
        where: Expression | None = None,
        *,
        neighbours: bool = False,
    ) -> dict[str, NDArray[np.float64]]:
        """Cut points of each column; `glm_local.rows.quantile_grid` states the rule."""
        asked = quantile_pass(columns, probabilities, weight, where, neighbours)
        return self._row_pass("quantiles", ", ".join(columns), self._frame(frame), asked) if columns else {}

    def blocks(self, frame: Any, design: BlockDesign, where: Expression | None = None) -> Blocks:
        """The rows packed for `design`; built, kept and first added up in one job by the first `sum`."""
        layout = key_layout(design, tuple(design_numbers(design)))
        with explained():
            rows = self._travelling(self._frame(frame), design, layout, where)
        return SparkBlocks(design, layout, rows, self.passes, self._materialise, self._scratch, self._merging)

    def sample(self, frame: Any, rows: int, seed: int, key: str | None = None) -> DataFrame:
        """About `rows` rows, never more; `glm_local.rows.sample_rows` states the rule."""
        held = self._frame(frame)
        kinds = column_kinds(held)
        if key is None:
            hashed = ", ".join(quote_identifier(name) for name, kind in kinds.items() if kind != "unsupported")
            bucketed = held.selectExpr("*", f"pmod(xxhash64({int(seed)}L, {hashed}), {BUCKETS}) AS `{BUCKET}`")
        else:
            checked_key(key, kinds)
            bucketed = self.with_columns(held, {BUCKET: sample_bucket(key, seed)})
        bucket = Read(BUCKET, "integer")
        request = sample_request(bucket)
        table = self._row_pass("sample", f"{rows} rows", bucketed, cell_pass([request]))[request.name]
        taken = None if table is None else sample_filter(bucket, table, rows)
        if taken is None:
            return held
        return bucketed.where(print_sql(taken, column_kinds(bucketed))).drop(BUCKET)

    def _frame(self, frame: Any) -> DataFrame:
        return as_spark_frame(self.spark, frame)

    def _row_pass(self, verb: str, purpose: str, frame: DataFrame, asked: RowPass[Answer]) -> Answer:
        self.passes.record(verb, purpose)
        joined = join_lookups(frame, column_kinds(frame), asked.expressions)
        columns = [f"{joined.sql(one)} AS {column_name(i)}" for i, one in enumerate(joined.expressions)] or [
            "0 AS rows"
        ]
        merge = row_pass_merge(asked)
        with explained(), query_settings(self.spark, ROWS_OUT):
            known = partitions_of(frame, self.passes)
            rows = gathered_rows(joined.frame.selectExpr(*columns), known, self._merging.parts)
            answers = rows.mapInArrow(row_pass_work(asked), ANSWER_SCHEMA)
            found, seen = gathered(answers, merge, self._merging, asked.tables, self._materialise == "cache")
        if known is None and seen is not None:
            learn_partitions(frame, seen)
        tables = ([None if one is None else table_from_bytes(one) for one in item] for item in found)
        return asked.answer([item[0] if len(item) == 1 else asked.combine(at, item) for at, item in enumerate(tables)])

    def _travelling(
        self, frame: DataFrame, design: BlockDesign, layout: KeyLayout, where: Expression | None
    ) -> DataFrame:
        codes, numbers = [field.code for field in design.fields], design_numbers(design)
        flags = () if where is None else (where,)
        joined = join_lookups(frame, column_kinds(frame), [*codes, *numbers.values(), *flags])
        texts = [joined.sql(one) for one in joined.expressions]
        rows = joined.frame if where is None else joined.frame.where(texts[-1])
        words = [_word_sql(layout, texts, word) for word in range(layout.words)]
        doubles = [f"CAST({text} AS double)" for text in texts[len(codes) : len(codes) + len(numbers)]]
        named = zip([*words, *doubles], layout.columns, strict=True)
        known = partitions_of(frame, self.passes)
        return gathered_rows(rows.selectExpr(*(f"{sql} AS {name}" for sql, name in named)), known, self._merging.parts)


def _word_sql(layout: KeyLayout, codes: Sequence[str], word: int) -> str:
    whole = "int" if layout.word_bits == 32 else "bigint"
    placed = [place for place in layout.places if place.word == word]
    return " | ".join(f"shiftleft(CAST({codes[place.field]} AS {whole}), {place.shift})" for place in placed)
