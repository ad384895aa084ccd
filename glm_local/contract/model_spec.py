"""The model as a document: what was asked of the fit, what came out, in readable JSON without rows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glm_local.contract.columns import ColumnKind
from glm_local.contract.factor_spec import FactorSpec

MODEL_FORMAT: Literal["glm-spark/model"] = "glm-spark/model"

Status = Literal["fitted", "base", "empty", "aliased", "separated"]
"""fitted: an estimate. base: the reference level, 0. empty: no training row, counts as base. aliased: spanned by
columns before it, left out as R does. separated: the estimate does not exist (it ran away); kept only on request."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelSpec(_Record):
    """What was asked: roles, family, link and how to fit.

    `exposure` is an amount (log link only), `offset` a number on the link scale, `weight` a precision: the variance
    of a row is dispersion * V(mean) / weight. Each is a column name or an expression document.
    """

    target: Any
    family: str
    link: str
    exposure: Any = None
    offset: Any = None
    weight: Any = None
    intercept: bool = True
    ridge: float = 0.0
    dispersion: Literal["fixed", "pearson", "deviance"] = "fixed"
    confidence: float = 0.95


class Coefficient(_Record):
    """One line of the coefficient table; estimates on the link scale, None where there is none.

    `rows`, `weight` and `amount` are the training rows of the level, their weight (exposure where the model has
    one) and their weighted response. Relativities are exp(estimate) for log and logit links, else None.
    """

    term: str
    factor: str | None = None
    level: str | None = None
    status: Status = "fitted"
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    relativity: float | None = None
    relativity_lower: float | None = None
    relativity_upper: float | None = None
    rows: int | None = None
    weight: float | None = None
    amount: float | None = None


class FitStatistics(_Record):
    """Figures of the fit, all row-exact whatever the route.

    `log_likelihood`, `aic` and `bic` use the exponential-dispersion density with dispersion / weight; an estimated
    dispersion is `likelihood_dispersion` (deviance / rows) and counts as one parameter.
    """

    rows: int
    weight: float
    parameters: int
    df_residual: int
    df_null: int
    deviance: float
    null_deviance: float
    pearson_chi2: float
    dispersion: float
    dispersion_pearson: float | None = None
    dispersion_deviance: float | None = None
    likelihood_dispersion: float
    log_likelihood: float | None = None
    aic: float | None = None
    bic: float | None = None
    statistic: Literal["z", "t"]
    zero_weight_rows: int = 0


class Convergence(_Record):
    """How the iterations ended: a named reason, the last step in standard errors, step halvings."""

    reason: str
    iterations: int
    last_step_in_se: float
    halvings: int
    route: Literal["cells", "blocks", "statsmodels", "spark_ml"]
    raw_passes: int
    packed_passes: float


class ModelDocument(_Record):
    """The whole model; `fingerprint` covers everything that changes a prediction."""

    format: Literal["glm-spark/model"] = MODEL_FORMAT
    version: Literal[1] = 1
    name: str = "model"
    spec: ModelSpec
    factors: tuple[FactorSpec, ...]
    derived: dict[str, Any] = Field(
        default_factory=dict,
        description="Columns roles and factors read that are made of the table's own, by expression",
    )
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...] = Field(
        default=(), description="Lower triangle by rows, of the coefficients with status fitted, in their order"
    )
    statistics: FitStatistics
    convergence: Convergence
    warnings: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    data_fingerprint: str | None = None
    columns: dict[str, ColumnKind] = Field(
        default_factory=dict, description="Physical kinds of the columns that were read: what `to_sql` casts from"
    )
    fingerprint: str = ""
