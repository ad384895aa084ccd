"""What the business asks of the bins: hard rules, the choice of their number, penalties."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, get_args

from pydantic import BaseModel

from glm_local.arguments.checked import arguments_checked
from glm_local.binning.floors import Floors
from glm_local.binning.penalties import Penalty, named_penalties
from glm_local.binning.program import Trend
from glm_local.candidates.candidate import Policy
from glm_local.errors import ConfigError, Problem, nearest
from glm_local.factors.spec_values import policy
from glm_local.inference.thin_levels import SHARES, Profile, evidence_floor

SizeRule = Literal["cross_validated", "one_standard_error", "bic"]


class BinningOptions(TypedDict, total=False):
    """The fields of `BinningRules`, as keywords of functions that take them one by one."""

    min_bins: int
    max_bins: int
    min_rows: float | None
    min_exposure: float | None
    min_events: float | None
    min_relativity_step: float | None
    trend: Trend
    size: SizeRule | int
    apart: Sequence[tuple[str, str]]
    missing: Policy
    unseen: Policy
    penalties: Mapping[str, Penalty] | Sequence[Penalty]
    min_evidence: float | None
    min_share: float | None
    profile: Profile


@arguments_checked
@dataclass(frozen=True)
class BinningRules:
    """Hard rules of a factor's bins, and how their number is chosen.

    Parameters
    ----------
    min_bins, max_bins
        Number of bins of the ordered codes; levels of their own (missing) come on top.
    min_rows, min_exposure, min_events
        What every bin holds at least in training: rows; weight (exposure); weighted response (claims, events) as it was
        observed. 0 is no floor; None is the profile's. Whatever the rules, a bin's best relativity is finite: a bin
        without events, or of events only, never stands alone.
    min_relativity_step
        Neighbouring bins differ by at least this ratio of their relativities (odds under logit, hazards under cloglog);
        under links without ratios (identity, probit, inverse, powers) by this difference of the linear predictor.
        None: no rule.
    trend
        Order of the relativities along the codes; "auto" is the best of a peak and a valley, rising and falling ones
        among them. Categories have no order of their own: no trend applies to them.
    size
        How the number of bins is chosen: by cross-validated deviance, the best ("cross_validated") or the fewest bins
        within one standard error of it ("one_standard_error"); by BIC, which charges every cut a parameter for its
        place and is refused for categories; or the number itself. 0 bins, no factor at all, is always one of the
        choices.
    apart
        Pairs of pre-bins that are never in one bin. A bin they keep from growing needs no more than the floors that
        are given: those of the profile give way.
    missing, unseen
        Policies of the specification. Missing gets a level of its own only with enough rows by the rules above, and
        otherwise follows the level whose relativity is nearest to the average, or the base where training has none.
    penalties
        By name, or as a sequence: see `glm_local.binning.penalties`. In units of mean deviance per row.
    min_evidence
        Expected evidence every bin holds at least: see `glm_local.binning.floors.evidence_parts`. None is the
        profile's (half of it for a level of missing or unseen values), or none where `min_rows` or `min_events` takes
        its place.
    min_share
        Share of the training weight (exposure) every bin holds at least. None is the profile's, or none where
        `min_exposure` takes its place.
    profile
        Whose floors hold where none are given. "insurance": 10 expected events; for shares events
        * non-events / rows; for gamma and the like 20 rows over the dispersion. "credit": the same and 5 % of the
        weight.

    Raises
    ------
    ConfigError
        With every problem at once.

    Examples
    --------
    >>> BinningRules(max_bins=5, trend="ascending").max_bins
    5
    """

    min_bins: int = 1
    max_bins: int = 8
    min_rows: float | None = None
    min_exposure: float | None = None
    min_events: float | None = None
    min_relativity_step: float | None = None
    trend: Trend = "none"
    size: SizeRule | int = "cross_validated"
    apart: Sequence[tuple[str, str]] = ()
    missing: Policy = "own_level"
    unseen: Policy = "base"
    penalties: Mapping[str, Penalty] | Sequence[Penalty] = ()
    min_evidence: float | None = None
    min_share: float | None = None
    profile: Profile = "insurance"

    @property
    def leave_levels_free(self) -> bool:
        """Whether bins that were not made by the search can hold the rules: floors and a largest number alone."""
        asked = self.min_bins > 1 or self.trend != "none" or bool(self.apart) or bool(self.penalties)
        return not (asked or bool(self.min_relativity_step) or isinstance(self.size, int))

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ConfigError(problems, source="binning rules" if len(problems) > 1 else "")
        object.__setattr__(self, "apart", tuple((one, other) for one, other in self.apart))
        object.__setattr__(self, "penalties", named_penalties(self.penalties))

    @property
    def sizes(self) -> range:
        """Numbers of bins that may be chosen, besides none at all."""
        if isinstance(self.size, int):
            return range(self.size, self.size + 1) if self.size else range(0)
        return range(self.min_bins, self.max_bins + 1)

    def floors(self, domain: str = "nonnegative") -> Floors:
        """What every bin holds at least; floors that are given take the place of the profile's.

        Parameters
        ----------
        domain
            Of the family: what evidence is counted in.

        Examples
        --------
        >>> BinningRules(profile="credit").floors("unit").document()
        {'min_evidence': 10.0, 'min_share': 0.05}
        >>> BinningRules(profile="credit", min_events=5).floors().document()
        {'min_events': 5, 'min_share': 0.05}
        """
        counted = self.min_events is not None or self.min_rows is not None
        evidence = 0.0 if counted else evidence_floor(domain)
        share = 0.0 if self.min_exposure is not None else SHARES[self.profile]
        return Floors(
            self.min_rows or 0.0,
            self.min_exposure or 0.0,
            self.min_events or 0.0,
            evidence if self.min_evidence is None else self.min_evidence,
            share if self.min_share is None else self.min_share,
        )

    @property
    def given_floors(self) -> Floors:
        """Those that are given themselves."""
        names = ("rows", "exposure", "events", "evidence", "share")
        return Floors(*(getattr(self, f"min_{name}") or 0.0 for name in names))

    def shift_step(self, ratio: bool) -> float:
        """Smallest distance of neighbouring shifts of the linear predictor."""
        if self.min_relativity_step is None:
            return 0.0
        return math.log(max(self.min_relativity_step, 1.0)) if ratio else max(self.min_relativity_step, 0.0)


def with_profile(rules: BinningRules | None, profile: Profile | None) -> BinningRules:
    """The rules, the usual ones where none are given, under another profile where one is named."""
    asked = rules or BinningRules()
    return asked if profile is None else replace(asked, profile=profile)


def _problems(rules: BinningRules) -> Iterator[Problem]:
    if not (_whole(rules.min_bins) and rules.min_bins >= 1):
        yield Problem("min_bins", f"{rules.min_bins!r} was given.", "A factor has at least one bin.", "Write 1.")
    elif not (_whole(rules.max_bins) and rules.max_bins >= rules.min_bins):
        found, rule = f"{rules.max_bins!r} was given, min_bins is {rules.min_bins}.", "It is whole, not below min_bins."
        yield Problem("max_bins", found, rule, "Raise max_bins or lower min_bins.")
    for name in ("min_rows", "min_exposure", "min_events", "min_evidence", "min_share"):
        value = getattr(rules, name)
        if value is not None and not _is_number(value):
            yield Problem(name, f"{value!r} was given.", "It is a finite number, 0 or more.", "Write 0 for no rule.")
    step = rules.min_relativity_step
    if step is not None and not _is_number(step):
        yield Problem(
            "min_relativity_step",
            f"{step!r} was given.",
            "It is a ratio, 1 or more, or a difference.",
            "Write 1.05 for neighbours at least 5 % apart, or None.",
        )
    if rules.trend not in get_args(Trend):
        yield Problem(
            "trend",
            f"{rules.trend!r} is not a trend.",
            f"Trends are {', '.join(get_args(Trend))}.",
            nearest(str(rules.trend), get_args(Trend)),
        )
    if rules.min_share is not None and _is_number(rules.min_share) and rules.min_share > 1:
        yield Problem("min_share", f"{rules.min_share!r} was given.", "It is a share, at most 1.", "Write 0.05.")
    if rules.profile not in get_args(Profile):
        yield Problem(
            "profile",
            f"{rules.profile!r} is not a profile.",
            f"Profiles are {', '.join(get_args(Profile))}.",
            nearest(str(rules.profile), get_args(Profile)),
        )
    yield from _size_problems(rules)
    for name in ("missing", "unseen"):
        value = getattr(rules, name)
        yield from policy(value.model_dump() if isinstance(value, BaseModel) else value, name)
    for pair in rules.apart:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            yield Problem("apart", f"{pair!r} was given.", "Each entry names two labels.", 'Write [("A", "B")].')


def _size_problems(rules: BinningRules) -> Iterator[Problem]:
    names = get_args(SizeRule)
    if _whole(rules.size):
        if rules.size and not rules.min_bins <= int(rules.size) <= rules.max_bins:
            yield Problem(
                "size",
                f"{rules.size} bins were asked for.",
                f"min_bins is {rules.min_bins} and max_bins {rules.max_bins}.",
                "Change the bin count or its bounds.",
            )
    elif rules.size not in names:
        yield Problem(
            "size",
            f"{rules.size!r} was given.",
            f"It is a number of bins or one of {', '.join(names)}.",
            nearest(str(rules.size), names),
        )


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < math.inf


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
