"""When a factor earns its place: whether it is there at all, and whether its levels gain, asked apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from glm_local.errors import ConfigError, Problem, nearest

Keep = Literal["screening", "likelihood_ratio"]

USUAL: Mapping[Keep, tuple[float, float | None, float]] = {
    "screening": (0.05, None, 0.0),
    "likelihood_ratio": (1.0, 0.01, 1.0),
}
"""Of each rule: the largest q-value of the screening test, the level of the likelihood-ratio test, standard errors."""

GIVEN_LEVEL, GIVEN_ERRORS = 0.01, 1.0
"""For levels that were not searched for: their likelihood-ratio test is what it says."""


@dataclass(frozen=True)
class KeepingRule:
    """When a factor earns its place.

    Two questions are asked. Is it there? Rao's score test of levels formed without the target, made against the model
    at the time of trying, its q-value among all candidates. How many levels, and do they gain? The deviance saved out
    of fold by the search, made again without each fold.

    Parameters
    ----------
    keep
        The rule by name. "screening": the q-value is at most 0.05 and the search gains. "likelihood_ratio", the rule
        before: no screening, the likelihood-ratio test of the bins searched on the same rows is below 0.01, and the
        search gains more than one standard error.
    q, level, errors
        Other numbers than those of the rule: largest q-value (1 tries all); what the likelihood-ratio test must be
        below; standard errors the gain must be above.

    Examples
    --------
    >>> KeepingRule().most_q, KeepingRule("likelihood_ratio").most_q, KeepingRule(q=0.1).most_q
    (0.05, 1.0, 0.1)
    """

    keep: Keep = "screening"
    q: float | None = None
    level: float | None = None
    errors: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.keep not in get_args(Keep):
            rule = f"It is one of {', '.join(get_args(Keep))}."
            problems.append(Problem("keep", f"{self.keep!r} was given.", rule, nearest(str(self.keep), get_args(Keep))))
        for name, most, usual in (("q", 1.0, "0.05"), ("level", 1.0, "0.01")):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and 0 < value <= most):
                problems.append(Problem(name, f"{value!r} was given.", "It is above 0, at most 1.", f"Write {usual}."))
        if self.errors is not None and not (_is_number(self.errors) and self.errors >= 0):
            problems.append(Problem("errors", f"{self.errors!r} was given.", "It is 0 or more.", "Write 1."))
        if problems:
            raise ConfigError(problems)

    def document(self) -> dict[str, Any]:
        """As the history keeps it."""
        return asdict(self)

    @property
    def most_q(self) -> float:
        """Largest q-value of the screening test."""
        return USUAL[self.keep][0] if self.q is None else self.q

    @property
    def test_level(self) -> float | None:
        """What the likelihood-ratio test of searched bins must be below; None where it is no evidence."""
        return USUAL[self.keep][1] if self.level is None else self.level

    @property
    def least_errors(self) -> float:
        """Standard errors the gain of a search must be above."""
        return USUAL[self.keep][2] if self.errors is None else self.errors

    @property
    def given_level(self) -> float:
        """What the likelihood-ratio test of levels that were not searched for must be below."""
        return GIVEN_LEVEL if self.level is None else self.level

    @property
    def given_errors(self) -> float:
        """Standard errors the gain of levels that were not searched for must be above."""
        return GIVEN_ERRORS if self.errors is None else self.errors


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
