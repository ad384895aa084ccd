"""Whether a factor is there: its calibrated screening test at the time of trying, among all candidates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from glm_local.screening.score_test import TESTS_OF_A_FACTOR, q_values, smallest_of
from glm_local.screening.tested_levels import UNTESTED


@dataclass(frozen=True)
class Screened:
    """A candidate's score test against the model at one time.

    Parameters
    ----------
    statistic, df
        Of levels formed without the target; None where nothing could be tested.
    p_value
        Of an ordered candidate the smallest of the tests in 20 bands, in 5 and of the best single cut, times how many
        of them there are.
    q_value
        Benjamini and Hochberg's, among the last tests of all candidates.
    tests
        How many those are.
    design
        Fingerprint of the design it was made against.
    why
        Why there is no test, as the ranking flags it.
    """

    statistic: float | None
    df: int
    p_value: float | None
    q_value: float | None
    tests: int
    design: str
    why: str = ""

    def passes(self, most: float) -> bool:
        """Whether its q-value is at most so much; where everything passes, what cannot be tested does too."""
        return most >= 1 or (self.q_value is not None and self.q_value <= most)

    def words(self, most: float) -> str:
        """The test in a sentence."""
        if self.p_value is None or self.q_value is None:
            return self.why or "the screening test has no degrees of freedom beside the model"
        side = "at most" if self.passes(most) else "above"
        among = f" among {self.tests} candidates" if self.tests > 1 else ""
        return f"screening q {_shown(self.q_value)}{among}, {side} {most:g} (p {_shown(self.p_value)})"

    def document(self) -> dict[str, Any]:
        """As an event's payload keeps it."""
        return asdict(self)


def screening_p(line: Mapping[str, Any]) -> float | None:
    """The one p-value of a line of a ranking: the smallest of an ordered candidate's tests, times their number.

    The tests are of all levels, of five bands, and of the best single cut.
    """
    tests = [math.nan if line.get(name) is None else float(line[name]) for name in TESTS_OF_A_FACTOR]
    found = float(smallest_of(*tests))
    return None if math.isnan(found) else found


def screened_of(line: Mapping[str, Any], factor: str, others: Mapping[str, Mapping[str, Any]], design: str) -> Screened:
    """A line of a ranking as evidence among the last tests of the other candidates.

    Examples
    --------
    >>> others = {"age": {"p_value": 0.001}, "area": {"p_value": 0.8}}
    >>> screened_of({"statistic": 7.9, "df": 1, "p_value": 0.02}, "area", others, "").q_value
    0.02
    """
    known = {name: one["p_value"] for name, one in others.items() if one["p_value"] is not None and name != factor}
    p_value = screening_p(line)
    if p_value is None:
        flags = str(line.get("flags") or "").split("; ")
        why = str(line.get("why") or next((flag for flag in flags if flag.startswith(UNTESTED)), ""))
        return Screened(None, 0, None, None, len(known), design, why)
    adjusted = q_values([p_value, *known.values()])
    return Screened(line["statistic"], int(line["df"]), p_value, float(adjusted[0]), len(known) + 1, design)


def _shown(value: float) -> str:
    return f"= {value:.3g}" if value >= 0.001 else "< 0.001"
