"""The model in hand: predicts, prints itself, becomes SQL, saves and loads as readable JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import DataError, Problem, SpecError, nearest
from glm_local.expressions.depth import require_shallow
from glm_local.expressions.evaluate_record import RecordReader, record_reader
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.applied_levels import level_labels
from glm_local.factors.compile_factor import compile_factor, compile_factors
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.derived_columns import inline_derived, read_derived
from glm_local.glm.document import covariance_matrix, model_json, read_model_json
from glm_local.inference.credible_levels import credible_relativities
from glm_local.inference.model_text import model_html, model_text
from glm_local.rows.engine import Engine
from glm_local.rows.new_columns import with_new_columns
from glm_local.scoring.compile_score import ScoreKind, role_expression, score_expression
from glm_local.scoring.model_spec import Coefficient, FitStatistics, ModelDocument
from glm_local.sql.statement import print_sql, quote_identifier
from glm_local.texts.places import require_path
from glm_local.texts.plain_json import readable_json
from glm_local.texts.read_json import DEEPEST, read_object
from glm_local.validation import ValidationReport, codes_and_labels, validation_report

Frame = TypeVar("Frame")


@arguments_checked
class Model(Generic[Frame]):
    """A fitted model bound to the engine of the package it came from.

    Parameters
    ----------
    document
        The model as a record; `save` writes exactly this.
    engine
        Who scores frames.
    """

    def __init__(self, document: ModelDocument, engine: Engine[Frame]) -> None:
        self.document = document
        self._engine = engine
        self._scorers: dict[ScoreKind, tuple[Expression, RecordReader]] = {}

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row per term and level, base levels included: columns as in `Coefficient`, and `credible`.

        `credible` is the level's relativity (for links without one its estimate) weighted by its credibility, as on
        the report's page (`glm_local.inference.credible_levels`): what is left of thin levels once drawn to the others.
        It stands behind the relativity's interval; NaN for terms that are no level, pinned and aliased levels,
        and models with a ridge penalty.
        """
        lines = pd.DataFrame(
            [one.model_dump() for one in self.document.coefficients], columns=list(Coefficient.model_fields)
        )
        behind = list(lines.columns).index("relativity_upper") + 1
        lines.insert(behind, "credible", lines["term"].map(self._credible).astype(float))
        return lines

    @cached_property
    def _credible(self) -> dict[str, float]:
        return credible_relativities(self.document)

    @property
    def statistics(self) -> FitStatistics:
        """Deviances, likelihood, dispersion, degrees of freedom."""
        return self.document.statistics

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was asked and of the estimates, to a millionth of their standard errors."""
        return self.document.fingerprint

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the fit noticed: empty, aliased and separated levels, rows left out."""
        return self.document.warnings

    def covariance(self) -> pd.DataFrame:
        """Covariance of the fitted coefficients, dispersion included; NaN where the dispersion is unknown."""
        names = [one.term for one in self.document.coefficients if one.status == "fitted"]
        return pd.DataFrame(covariance_matrix(self.document), index=names, columns=names)

    def expression(self, kind: ScoreKind = "mean") -> Expression:
        """The score as an expression tree; see `glm_local.scoring.compile_score.score_expression`."""
        return score_expression(self.document, kind)

    @overload
    def predict(self, rows: Mapping[str, Any], kind: ScoreKind = ..., output: str = ...) -> float | None: ...
    @overload
    def predict(self, rows: Frame, kind: ScoreKind = ..., output: str = ..., *, overwrite: bool = ...) -> Frame: ...
    def predict(
        self, rows: Any, kind: ScoreKind = "mean", output: str = "prediction", *, overwrite: bool = False
    ) -> Any:
        """Score one record or a frame.

        Parameters
        ----------
        rows
            A dict, giving a number (None where a factor refuses the record), or a frame of the engine.
        kind
            "mean": expected target; "rate": without exposure and offset; "link": the linear predictor.
        output
            Name of the column that a frame comes back with.
        overwrite
            Whether a column of that name may be replaced.

        Raises
        ------
        ConfigError
            When the frame has a column of the output's name and it may not be replaced.
        DataError
            When a column the score reads is not there.
        """
        if isinstance(rows, Mapping):
            return self._record_score(rows, kind)
        expression = self.expression(kind)
        self._check_columns(expression, list(self._engine.columns(rows)))
        return with_new_columns(self._engine, rows, {output: expression}, "output", overwrite)

    def _record_score(self, record: Mapping[str, Any], kind: ScoreKind) -> float | None:
        if kind not in self._scorers:
            expression = self.expression(kind)
            self._scorers[kind] = expression, record_reader(expression)
        expression, scorer = self._scorers[kind]
        self._check_columns(expression, list(record))
        value = scorer(record)
        return None if value is None else float(value)

    def with_levels(self, frame: Frame, suffix: str = "_level", *, overwrite: bool = False) -> Frame:
        """The frame with each factor's level name in a column `<factor><suffix>`; refused rows are missing.

        Columns that are there are replaced only with `overwrite`.
        """
        columns: dict[str, Expression] = {}
        for spec in self.document.factors:
            compiled = compile_factor(spec)
            if isinstance(compiled, CompiledFactor):
                columns[f"{spec.name}{suffix}"] = level_labels(compiled, _base_name(spec))
        derived = read_derived(self.document.derived)
        inlined = {name: inline_derived(one, derived) for name, one in columns.items()}
        return with_new_columns(self._engine, frame, inlined, "suffix", overwrite)

    def validation(self, frame: Frame, sample: str | Expression | None = None, bands: int = 10) -> ValidationReport:
        """Observed against predicted: summary, A/E by level of every factor, calibration, lift, Lorenz, Gini.

        Parameters
        ----------
        frame
            Rows with the model's columns and its target. One pass.
        sample
            Text column or expression naming each row's sample; all rows are one sample when not given.
        bands
            Calibration and lift bands of about equal exposure.
        """
        spec, figures = self.document.spec, self.document.statistics
        compiled = compile_factors(self.document.factors)
        shown = {name: codes_and_labels(one, compiled) for name, one in compiled.items()}
        return validation_report(
            self._engine,
            frame,
            target=role_expression(spec.target),
            prediction=self.expression(),
            sample=sample,
            family=spec.family,
            factors={name: one for name, one in shown.items() if one is not None},
            bands=bands,
            dispersion=figures.dispersion or None,
            level=spec.confidence,
            exposure=_given(spec.exposure),
            weight=_given(spec.weight),
        )

    def to_sql(
        self, dialect: str = "spark", kind: ScoreKind = "mean", table: str | None = None, output: str = "prediction"
    ) -> str:
        """The score as SQL: one expression, or a whole query when `table` is named.

        Columns are taken to have the kinds they had when the model was fitted; any dialect of sqlglot.
        """
        expression = self.expression(kind)
        text = print_sql(expression, self._column_kinds(expression), dialect)
        if table is None:
            return text
        name = ".".join(quote_identifier(part, dialect) for part in table.split("."))
        return f"SELECT *, {text} AS {quote_identifier(output, dialect)} FROM {name}"

    def _column_kinds(self, expression: Expression) -> dict[str, Any]:
        physical = {"number": "float64", "integer": "integer", "boolean": "boolean", "text": "text", "date": "date"}
        known = self.document.columns
        return {column: known.get(column, physical[kind]) for column, kind in columns_of(expression).items()}

    def _check_columns(self, expression: Expression, present: list[str]) -> None:
        absent = [column for column in columns_of(expression) if column not in present]
        rule = "A score reads every column of its factors."
        if absent:
            problems = [Problem(f"column {one!r}", "it is not there.", rule, nearest(one, present)) for one in absent]
            raise DataError(problems, "the rows to score")

    def to_json(self) -> str:
        """The document as readable JSON: the same text wherever the model came from."""
        return readable_json(model_json(self.document))

    def save(self, path: str | Path) -> Path:
        """Write the document as JSON, whole or not at all."""
        require_path(path, "model")
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.part")
        scratch.write_text(self.to_json() + "\n", encoding="utf-8")
        scratch.replace(target)
        return target

    def summary(self) -> str:
        """The model as text: what was asked, how it ended, figures, coefficients with relativities."""
        return model_text(self.document)

    def __repr__(self) -> str:
        spec, count = self.document.spec, sum(one.status == "fitted" for one in self.document.coefficients)
        figures = f"{spec.family}, {spec.link} link, {count} coefficients, {self.fingerprint[:12]}"
        return f"Model({self.document.name!r}: {figures})"

    def _repr_html_(self) -> str:
        return model_html(self.document)


def _given(role: Any) -> Expression | None:
    return None if role is None else role_expression(role)


def _base_name(spec: Any) -> str | None:
    return getattr(getattr(spec, "learned", None), "base", None)


def read_document(source: str | Path | Mapping[str, Any]) -> ModelDocument:
    """Read and check a model document, a path or a mapping: everything it shows must be what the fit wrote."""
    if not isinstance(source, str | Path):
        require_shallow(source, "model", DEEPEST)
        return read_model_json(source)
    require_path(source, "model")
    try:
        document = read_object(Path(source).read_text(encoding="utf-8"))
    except ValueError as error:  # bytes that are no UTF-8 too
        raise SpecError.because(
            f"{source} is no model file: {error}.",
            "A model file is the JSON that Model.save writes.",
            "Take the file the fit wrote.",
            "model",
        ) from None
    return read_model_json(document)
