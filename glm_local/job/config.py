"""The job's configuration: what a TOML file may say, as records; reading one is `read_config`'s work."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glm_local.validation.split_document import KEYED

SCHEMA_FILE = "conf/schema/job.schema.json"

Solver = Literal["auto", "cells", "blocks", "statsmodels", "spark_ml"]
DataFormat = Literal["auto", "parquet", "csv", "delta"]


class Section(BaseModel):
    """A table of the file; keys it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class JobSection(Section):
    """What the job is called and where its history belongs."""

    name: str = Field(
        description="Names the job and its model: letters, digits, dot, dash, underscore",
        examples=["motor"],
        min_length=1,
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
    )
    study: str | None = Field(
        None, description="Study whose history the run joins; the name when not given", min_length=1
    )
    seed: int = Field(0, description="Seed of the split when that gives none")
    description: str = Field("", description="One line for the report's head")


class DataSection(Section):
    """Where rows come from, which of them count, and columns made of others."""

    path: str | None = Field(None, description="File or folder of Parquet, a CSV file, or a Delta table", min_length=1)
    table: str | None = Field(None, description="Name of a catalog table (Spark only)", min_length=1)
    dataset: str | None = Field(
        None, description='A data set that comes with a package: "statsmodels:randhie"', min_length=1
    )
    format: DataFormat = Field("auto", description="Told by the path when auto")
    delimiter: str = Field(",", description="Separator of a CSV file", min_length=1, max_length=1)
    version: int | None = Field(None, description="Version of a Delta table; the newest when not given", ge=0)
    derive: dict[str, Any] = Field(
        default_factory=dict,
        description="Name to expression over the table's own columns; a name the table has is replaced",
    )
    where: Any = Field(None, description="Expression that is true on the rows that count; derived columns may be used")


class RolesSection(Section):
    """Which column, or expression, plays which part."""

    target: Any = Field(description="What is predicted: a column or an expression", examples=["ClaimNb"])
    exposure: Any = Field(None, description="An amount that multiplies the mean (log link only)")
    offset: Any = Field(None, description="A number added on the link scale")
    weight: Any = Field(None, description="A precision: variance is dispersion * V(mean) / weight")
    key: str | list[str] | None = Field(
        None,
        description="Column or columns that identify what stays together in the split; where the table has no such "
        'column, "*" is all a row holds (columns with a role aside) and "row_number" its place in the source',
    )


class ModelSection(Section):
    """The model and how it is fitted; see `glm_local.fit_glm`."""

    family: Any = Field(description="Family of the response", examples=["poisson"])
    link: Any = Field(None, description="Link function; the family's own when not given")
    ridge: float = Field(0.0, description="Ridge penalty, 0 or more", ge=0)
    solver: Solver = Field("auto", description="Route of the fit")
    intercept: bool = True
    dispersion: Literal["auto", "fixed", "pearson", "deviance"] = "auto"
    confidence: float = Field(0.95, description="Coverage of intervals, between 0 and 1", gt=0, lt=1)
    on_failure: Literal["error", "warn"] = Field("error", description="What a fit that does not converge is")
    on_separation: Literal["error", "warn"] = Field("error", description="What a level without an estimate is")
    tolerance: float = Field(1e-9, description="Largest last step in standard errors", gt=0)
    max_iterations: int = Field(50, description="Most Newton steps", ge=1)


class SecondOpinionSection(Section):
    """The refit by an independent solver."""

    enabled: bool = True
    solver: Literal["auto", "statsmodels", "spark_ml"] = Field(
        "auto", description="Who refits; auto is the engine's own"
    )


class PageSection(Section):
    """What every report shows."""

    title: str = ""
    bands: int = Field(10, description="Calibration and lift bands of about equal exposure", ge=2, le=1000)
    exposure_name: str = Field("", description="What exposure counts: years, vehicles, …")
    baseline: str | dict[str, Any] | None = Field(
        None,
        description="Column or expression of predicted totals in use: what the double lift compares this model "
        "with; a run's page has one rate for every row when not given",
    )


class ReportSection(PageSection):
    """What the report of a model shows."""

    factors: list[str] | None = Field(None, description="Factors shown by level; all of the model when not given")
    extra_factors: list[dict[str, Any]] = Field(
        default_factory=list, description="Factor specifications that are not in the model, shown by level all the same"
    )
    linear_bands: int = Field(10, description="Bands by which a linear term is shown; 0 shows none", ge=0, le=100)
    holdout: bool = Field(True, description="Whether the holdout is looked at; looking is recorded")


class OutputSection(Section):
    """Where results go."""

    directory: str = Field("artifacts", description="Folder under which each run has its own", min_length=1)
    store: str | None = Field(
        None, description="Folder or URI of the audit's Delta tables; <directory>/audit otherwise", min_length=1
    )


class TaskConfig(Section):
    """What every job says: its name, its rows, their roles and samples, where results go."""

    job: JobSection = Field(description="Names the job", examples=['{ name = "motor" }'])
    data: DataSection = Field(description="Says where the rows are", examples=['{ path = "${data}" }'])
    roles: RolesSection = Field(description="Says which column is the target", examples=['{ target = "ClaimNb" }'])
    split: dict[str, Any] = Field(
        description="How rows are divided into train, validation and holdout",
        examples=['{ method = "hash", key = "id" }'],
    )
    output: OutputSection = Field(default_factory=OutputSection)

    @property
    def study_name(self) -> str:
        """Study whose history the run joins."""
        return self.job.study or self.job.name

    @property
    def key(self) -> list[str]:
        """Columns, or words, whose equal values stay in one sample and one fold."""
        asked = self.split.get("key", self.roles.key)
        return [asked] if isinstance(asked, str) else list(asked or ())

    @property
    def key_path(self) -> str:
        """Where the file says the key."""
        return "/split/key" if "key" in self.split else "/roles/key"

    @property
    def split_document(self) -> dict[str, Any]:
        """The split with the key of the roles and the seed of the job where it gives none."""
        document = dict(self.split)
        if document.get("method", "hash") in KEYED:
            document.setdefault("seed", self.job.seed)
            if self.roles.key is not None:
                document.setdefault("key", self.roles.key)
        return document

    @property
    def identity(self) -> dict[str, Any]:
        """What is asked, without where the answer is put: part of the run's id, and recorded with it."""
        return self.model_dump(mode="json", exclude={"output"}, exclude_none=True)

    def specifications(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Path and document of every factor specification in the file."""
        return iter(())


class JobConfig(TaskConfig):
    """One job that fits given factors, whole."""

    model: ModelSection = Field(description="Names the family", examples=['{ family = "poisson" }'])
    factors: list[dict[str, Any]] = Field(default_factory=list, description="Factor specifications, in model order")
    second_opinion: SecondOpinionSection = Field(default_factory=SecondOpinionSection)
    report: ReportSection = Field(default_factory=ReportSection)

    def specifications(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Path and document of every factor specification in the file."""
        for path, documents in (("/factors", self.factors), ("/report/extra_factors", self.report.extra_factors)):
            yield from ((f"{path}/{at}", document) for at, document in enumerate(documents))


def job_schema(config: type[TaskConfig] = JobConfig, name: str = "job") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a job's file."""
    schema = config.model_json_schema()
    properties = dict(schema["properties"])
    properties["parameters"] = {
        "type": "object",
        "default": {},
        "description": "Defaults of ${name} in the file's texts; --param name=value wins",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:glm-spark:{name}:1",
        **schema,
        "title": name.capitalize(),
        "properties": properties,
    }


def schema_text(config: type[TaskConfig] = JobConfig, name: str = "job") -> str:
    """Return the schema as the text that is published."""
    return json.dumps(job_schema(config, name), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
