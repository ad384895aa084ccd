"""A job's TOML file as a document: read, overridden, its parameters filled in; what it means is checked elsewhere."""

from __future__ import annotations

import datetime
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glm_local.errors import ConfigError, Problem, nearest
from glm_local.expressions.depth import DEEPEST_ASKED, deep_problem, require_shallow_file
from glm_local.factors.spec_values import pointer, shown
from glm_local.texts.places import require_path

PARAMETER = re.compile(r"\$\$|\$\{([^}]*)\}")


def toml_document(
    path: Path, overrides: Sequence[str] = (), parameters: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the file's document with overrides and parameters put in, and the problems of putting them in.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        ``key=value`` with a dotted key (``model.ridge=0.1``, ``factors.0.edges=[20, 30]``); the value is TOML, or a
        text when it is not. They are put in before parameters are.
    parameters
        Values of ``${name}``; they win over the defaults in the file's ``[parameters]``. ``$$`` is a dollar sign.

    Raises
    ------
    ConfigError
        The file cannot be read, or is not TOML.
    """
    require_path(path, "conf")
    document = _toml(path)
    require_shallow_file(document, "conf")
    problems = [problem for text in overrides for problem in _override(document, text)]
    require_shallow_file(document, "--set")
    defaults = document.pop("parameters", {})
    if not isinstance(defaults, dict):
        problems.append(
            Problem(
                "/parameters",
                f"{shown(defaults)} is not a table.",
                "Parameters are named values.",
                'Write [parameters] and data = "…" below it.',
            )
        )
        defaults = {}
    given = dict(parameters or {})
    # Used or not is a matter of the whole file; a name the file does not know is a slip of the pen.
    filling = _Filling({**defaults, **given})
    filled = filling.fill(document, "")
    return filled, [*problems, *filling.problems, *_unknown_parameters(given, {*defaults, *filling.asked})]


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = sorted(one.name for one in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        raise ConfigError.because(
            f"{path} does not exist.",
            "A job is described by a TOML file.",
            nearest(path.name, near) if near else "Check the path.",
            path="conf",
        ) from None
    except RecursionError:
        raise ConfigError(deep_problem("conf")) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError.because(
            f"{path} is not TOML: {error}.", "A job is described by a TOML file.", "Correct that line.", path="conf"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError.because(
            f"{path} is not UTF-8 (byte {error.start}).", "TOML is UTF-8 text.", "Save the file as UTF-8.", path="conf"
        ) from None
    except OSError as error:
        raise ConfigError.because(
            f"{path} cannot be read: {error.strerror}.",
            "A job is described by a TOML file.",
            "Give the path of one.",
            path="conf",
        ) from None


def _override(document: dict[str, Any], text: str) -> Iterator[Problem]:
    key, equals, value = text.partition("=")
    steps = [step.strip() for step in key.split(".")]
    if len(steps) > DEEPEST_ASKED:
        yield deep_problem("--set")
        return
    if not equals or not all(steps):
        yield Problem(
            "--set",
            f"{text!r} is not key=value.",
            "The key is dotted, the value TOML or a text.",
            "Write --set model.ridge=0.1.",
        )
        return
    place: Any = document
    for depth, step in enumerate(steps[:-1]):
        inner = place.setdefault(step, {}) if isinstance(place, dict) else _item(place, step)
        if not isinstance(inner, dict | list):
            yield Problem(
                "--set",
                f"{'.'.join(steps[: depth + 1])} is no table.",
                "Only tables and lists have keys.",
                f"Set {'.'.join(steps[: depth + 1])} itself.",
            )
            return
        place = inner
    if isinstance(place, list):
        at = _index(steps[-1], len(place))
        if at >= len(place):
            yield Problem(
                "--set",
                f"{key.strip()} is not there.",
                f"That list has {len(place)} items, counted from 0.",
                "Name one of them.",
            )
            return
        place[at] = _value(value)
    else:
        place[steps[-1]] = _value(value)


def _index(step: str, otherwise: int) -> int:
    """The place a step names; digits of other scripts, superscripts among them, name none."""
    return int(step) if re.fullmatch("[0-9]{1,9}", step) else otherwise


def _item(place: list[Any], step: str) -> Any:
    at = _index(step, len(place))
    return place[at] if at < len(place) else None


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError:
        raise ConfigError(deep_problem("--set")) from None
    except tomllib.TOMLDecodeError:
        return text.strip()


class _Filling:
    """Puts parameters into a document's texts; remembers which were asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.asked: set[str] = set()
        self.problems: list[Problem] = []

    def fill(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {key: self.fill(one, f"{path}/{pointer(key)}") for key, one in value.items()}
        if isinstance(value, list):
            return [self.fill(one, f"{path}/{at}") for at, one in enumerate(value)]
        if isinstance(value, float) and math.isnan(value):
            return None  # TOML has no null; nan says missing there
        if isinstance(value, str) and "\x00" in value:
            rule = "Texts of a job hold no character 0: no file system takes it."
            self.problems.append(Problem(path, f"{shown(value)} holds a character 0.", rule, "Remove it."))
        return self._text(value, path) if isinstance(value, str) and "$" in value else _plain(value)

    def _text(self, text: str, path: str) -> Any:
        whole = re.fullmatch(r"\$\{([^}]*)\}", text)
        if whole:
            return self._one(whole.group(1), text, path)
        return PARAMETER.sub(
            lambda found: "$" if found.group(1) is None else str(self._one(found.group(1), found.group(), path)), text
        )

    def _one(self, name: str, unfilled: str, path: str) -> Any:
        self.asked.add(name)
        if name in self.values:
            return self.values[name]
        self.problems.append(
            Problem(
                path,
                f"${{{name}}} has no value.",
                "A parameter has a default in [parameters] or is given.",
                f"Add --param {name}=…",
            )
        )
        return unfilled


def _plain(value: Any) -> Any:
    """TOML's dates as the texts JSON has."""
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def _unknown_parameters(given: Mapping[str, str], known: set[str]) -> Iterator[Problem]:
    for name in given:
        if name not in known:
            yield Problem(
                "--param",
                f"{name!r} is not a parameter of this file.",
                "Parameters are those the file names as ${…}.",
                nearest(name, sorted(known)),
            )


def read_parameters(texts: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` texts.

    Raises
    ------
    ConfigError
        A text that is not of that form.
    """
    pairs = [text.partition("=") for text in texts]
    problems = [
        Problem("--param", f"{text!r} is not name=value.", "Parameters have names.", "Write --param data=/a/path.")
        for text, (name, equals, _) in zip(texts, pairs, strict=True)
        if not (name.strip() and equals)
    ]
    if problems:
        raise ConfigError(problems)
    return {name.strip(): value for name, _, value in pairs}
