"""The project's errors: what was found, the rule, the way out; all problems of a document at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong: where it is, what was found, the rule it breaks, the way out.

    Parameters
    ----------
    path
        JSON path (``/factors/2/edges``), column name or stage; empty when the whole document is meant.
    found, rule, way_out
        The three parts of the message, each a sentence.

    Examples
    --------
    >>> print(Problem("/factors/0/edges", "[25, 18] is not increasing.", "Edges must rise.", "Write [18, 25]."))
    /factors/0/edges  [25, 18] is not increasing. Edges must rise. Write [18, 25].
    """

    path: str
    found: str
    rule: str
    way_out: str

    def __str__(self) -> str:
        message = " ".join(part for part in (self.found, self.rule, self.way_out) if part)
        return f"{self.path}  {message}" if self.path else message


class GlmError(Exception):
    """Base of every error this project raises; carries `problems` and the exit code of the command line."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem], source: str = "") -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.source = source
        super().__init__(self._message())

    @classmethod
    def because(cls, found: str, rule: str, way_out: str, path: str = "") -> GlmError:
        """Build the error from one problem's three parts."""
        return cls(Problem(path, found, rule, way_out))

    def _message(self) -> str:
        if len(self.problems) == 1 and not self.source:
            return str(self.problems[0])
        where = f" in {self.source}" if self.source else ""
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}{where}"
        return "\n  ".join([count, *(str(problem) for problem in self.problems)])

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problems, self.source)


class SpecError(GlmError, ValueError):
    """A factor or model specification breaks a rule."""

    exit_code = 2


class ConfigError(GlmError, ValueError):
    """A configuration file, a path or an argument breaks a rule."""

    exit_code = 2


class ArgumentError(ConfigError, SpecError):
    """A call names an argument that is not there, or gives one that is of another kind."""


class DataError(GlmError, ValueError):
    """Rows break what the specification says of them."""

    exit_code = 3


class FitError(GlmError, RuntimeError):
    """A fit did not converge, or its estimates do not exist."""

    exit_code = 4


class StoreError(GlmError, RuntimeError):
    """The store could not be read or written, or its history was changed."""


class EngineError(GlmError, RuntimeError):
    """The engine or what it needs (Java, jars, a package) is not there."""


ALIKE = 0.6
"""Share of the letters that a slip of the pen leaves in their places."""


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a hint naming the closest known name, or the known names when none is close.

    Examples
    --------
    >>> nearest("vehicel_age", ["vehicle_age", "driver_age"])
    "Nearest: 'vehicle_age'."
    >>> nearest("Clgolog", ["log", "cloglog"])
    "Nearest: 'cloglog'."
    """
    names = list(names)
    alike = [_likeness(name.lower(), known.lower()) for known in names]
    best = max(range(len(names)), key=alike.__getitem__, default=None)
    if best is not None and alike[best] >= ALIKE:
        return f"Nearest: {names[best]!r}."
    shown = ", ".join(repr(known) for known in names[:8])
    return f"Known: {shown}{', …' if len(names) > 8 else ''}." if names else "None is known."


def _likeness(one: str, other: str) -> float:
    """Share of letters in common, in their order; of words nearly as long, also the share that slips leave."""
    common = difflib.SequenceMatcher(None, other, one).ratio()
    if abs(len(one) - len(other)) > 2 or common >= 0.9:
        return common
    return max(common, 1 - _slips(one, other) / max(len(one), len(other), 1))


def _slips(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with their neighbour to make one word of another."""
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(one):
        row = [i + 1]
        for j, wanted in enumerate(other):
            fewest = min(last[j] + (letter != wanted), last[j + 1] + 1, row[j] + 1)
            if i and j and (letter, one[i - 1]) == (other[j - 1], wanted):
                fewest = min(fewest, before[j - 1] + 1)
            row.append(fewest)
        before, last = last, row
    return last[-1]
