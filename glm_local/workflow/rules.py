"""What an automatic study is asked: whom to try, how to bin, when a factor stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glm_local.binning.rules import BinningRules
from glm_local.contract.arguments import arguments_checked
from glm_local.errors import ConfigError, GlmError, Problem, nearest
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study.automatic import AutomaticPlan, KeepingRule


@arguments_checked
@dataclass(frozen=True)
class WorkflowRules:
    """Rules of a study that runs by itself.

    Parameters
    ----------
    q
        Candidates are tried while the share of false discoveries among them stays at most this; 1 tries all.
    top_n
        Candidates tried, best first; None is all that pass.
    binning
        Rules of every factor's bins.
    level, errors
        A factor stays when its likelihood-ratio test is below `level` and its out-of-fold gain above `errors` of its
        standard errors.
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

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> WorkflowRules(max_factors=5, interactions=2).plan.rounds
    2
    """

    q: float = 1.0
    top_n: int | None = None
    binning: BinningRules = field(default_factory=BinningRules)
    level: float = 0.01
    errors: float = 1.0
    max_factors: int | None = None
    rounds: int = 2
    interactions: int = 0
    interaction_q: float = 0.05
    pooling: ScreeningRules = field(default_factory=ScreeningRules)

    def __post_init__(self) -> None:
        rules = {
            "q": (0 < self.q <= 1, "It is a share above 0, at most 1."),
            "interaction_q": (0 < self.interaction_q <= 1, "It is a share above 0, at most 1."),
            "top_n": (self.top_n is None or self.top_n >= 1, "It is 1 or more, or None."),
            "max_factors": (self.max_factors is None or self.max_factors >= 1, "It is 1 or more, or None."),
            "rounds": (self.rounds >= 0, "It is 0 or more."),
            "interactions": (self.interactions >= 0, "It is 0 or more."),
        }
        problems = [
            Problem(name, f"{getattr(self, name)!r} was given.", rule, "Give another number.")
            for name, (kept, rule) in rules.items() if not kept
        ]  # fmt: skip
        if problems:
            raise ConfigError(problems)
        self.plan.keeping  # noqa: B018  level and errors are checked there

    @property
    def plan(self) -> AutomaticPlan:
        """What the study's automatic design is asked."""
        return AutomaticPlan(self.top_n, self.binning, KeepingRule(self.level, self.errors), self.rounds)


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
        for name in rule if name not in known
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return dict(rule)


def given_twice() -> GlmError:
    """What to say of rules given as a record and as single fields."""
    rule = "They are one record or single fields."
    return ConfigError.because("rules are given twice.", rule, "Leave one of them out.", path="rules")
