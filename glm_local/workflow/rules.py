"""What an automatic study is asked: whom to try, how to bin, when a factor stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from glm_local.arguments.checked import arguments_checked
from glm_local.binning.rules import BinningRules, with_profile
from glm_local.errors import ConfigError, GlmError, Problem, nearest
from glm_local.inference.thin_levels import Profile
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study.automatic import AutomaticPlan
from glm_local.study.keeping import Keep, KeepingRule
from glm_local.study.selective import Inference


class WorkflowRuleOptions(TypedDict, total=False):
    """The fields of `WorkflowRules`, as keywords of what takes them one by one."""

    keep: Keep
    q: float | None
    top_n: int | None
    binning: BinningRules
    level: float | None
    errors: float | None
    max_factors: int | None
    rounds: int
    interactions: int
    interaction_q: float
    pooling: ScreeningRules
    inference: Inference
    profile: Profile | None


@arguments_checked
@dataclass(frozen=True)
class WorkflowRules:
    """Rules of a study that runs by itself.

    Parameters
    ----------
    keep, q, level, errors
        When a factor stays: a rule by name, and other numbers than its own; see
        `glm_local.study.keeping.KeepingRule`. q is the largest q-value of the screening test at the time of trying; 1
        tries all.
    top_n
        Candidates tried, best first; None is all.
    binning
        Rules of every factor's bins.
    profile
        Whose floors of levels hold, "insurance" or "credit"; None is the one of `binning`.
    max_factors
        Most factors; the least needed are removed beyond. None: no limit.
    rounds
        Most rounds in which every factor is optimized again.
    interactions
        Most pairs of accepted factors that are tried; 0 is none.
    interaction_q
        Share of false discoveries among pairs that are tried.
    pooling
        Cells below its floors have no effect of their own: they follow their margins.
    inference
        "selective" records intervals of the design that was reached on rows that took no part in it: those of
        validation, and of the holdout where the study is finalized. See `GLMStudy.selective_intervals`.

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> WorkflowRules(max_factors=5, interactions=2).plan.rounds
    2
    """

    keep: Keep = "screening"
    q: float | None = None
    top_n: int | None = None
    binning: BinningRules = field(default_factory=BinningRules)
    level: float | None = None
    errors: float | None = None
    max_factors: int | None = None
    rounds: int = 2
    interactions: int = 0
    interaction_q: float = 0.05
    pooling: ScreeningRules = field(default_factory=ScreeningRules)
    inference: Inference = "naive"
    profile: Profile | None = None

    def __post_init__(self) -> None:
        rules = {
            "interaction_q": (0 < self.interaction_q <= 1, "It is a share above 0, at most 1."),
            "top_n": (self.top_n is None or self.top_n >= 1, "It is 1 or more, or None."),
            "max_factors": (self.max_factors is None or self.max_factors >= 1, "It is 1 or more, or None."),
            "rounds": (self.rounds >= 0, "It is 0 or more."),
            "interactions": (self.interactions >= 0, "It is 0 or more."),
        }
        problems = [
            Problem(name, f"{getattr(self, name)!r} was given.", rule, "Give another number.")
            for name, (kept, rule) in rules.items()
            if not kept
        ]
        try:
            self.keeping  # noqa: B018  its numbers are checked there
        except ConfigError as error:
            problems = [*error.problems, *problems]
        if problems:
            raise ConfigError(problems)

    @property
    def keeping(self) -> KeepingRule:
        """When a factor stays."""
        return KeepingRule(self.keep, self.q, self.level, self.errors)

    @property
    def plan(self) -> AutomaticPlan:
        """What the study's automatic design is asked."""
        return AutomaticPlan(self.top_n, with_profile(self.binning, self.profile), self.keeping, self.rounds)


def known_rules(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Rules whose names are known.

    Raises
    ------
    ConfigError
        Naming the nearest rule for each that is not.
    """
    known = list(WorkflowRules.__dataclass_fields__)
    problems = [
        Problem(name, f"{name!r} is not a rule.", f"Rules are {', '.join(known)}.", nearest(name, known))
        for name in rule
        if name not in known
    ]
    if problems:
        raise ConfigError(problems)
    return dict(rule)


def given_twice() -> GlmError:
    """What to say of rules given as a record and as single fields."""
    rule = "They are one record or single fields."
    return ConfigError.because("rules are given twice.", rule, "Leave one of them out.", path="rules")
