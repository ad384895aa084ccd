"""Families and their links as a specification names them.

What a family answers for itself is in `glm_local.families.family`, its links are in `glm_local.families.links`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from glm_local.errors import GlmError, SpecError, nearest
from glm_local.families.binomial_family import BinomialFamily
from glm_local.families.family import Family
from glm_local.families.links import Link, link_from
from glm_local.families.negative_binomial import NegativeBinomialFamily
from glm_local.families.power_family import POWER_NAMES, PowerFamily, no_such_power, power_exists

__all__ = ["FAMILY_NAMES", "BinomialFamily", "Family", "PowerFamily", "family_from", "resolve_link"]

FAMILY_NAMES = ("gaussian", "poisson", "binomial", "gamma", "inverse_gaussian", "tweedie", "negative_binomial")

_TWEEDIE_TEXT = re.compile(r"tweedie\(\s*(?:p(?:ower)?\s*=\s*)?([^()]*?)\s*\)")
_NEGATIVE_BINOMIAL_TEXT = re.compile(r"negative[_\s-]?binomial\(\s*(?:theta\s*=\s*)?([^()]*?)\s*\)")
_POWER_OF_NAME = {name: power for power, name in POWER_NAMES.items()}


def family_from(document: str | Mapping[str, object] | Family) -> Family:
    """Read a family: a name in any case, ``"tweedie(1.5)"``, ``"negative_binomial(2)"``, or the same as a mapping.

    A mapping is ``{"family": "tweedie", "power": 1.5}``.

    Tweedie powers 0, 1, 2 and 3 are the gaussian, poisson, gamma and inverse gaussian families.

    Raises
    ------
    SpecError
        For an unknown name, a tweedie without power, and a power below 0 or between 0 and 1.

    Examples
    --------
    >>> family_from("Tweedie(1.5)"), family_from({"family": "tweedie", "power": 3})
    (PowerFamily(power=1.5), PowerFamily(power=3.0))
    """
    if isinstance(document, Family):
        return document
    if isinstance(document, Mapping):
        return _from_mapping(document)
    text = document.strip().lower() if isinstance(document, str) else ""
    found = _TWEEDIE_TEXT.fullmatch(text)
    if found:
        return _tweedie(found.group(1))
    found = _NEGATIVE_BINOMIAL_TEXT.fullmatch(text)
    if found:
        return _negative_binomial(found.group(1))
    text = re.sub(r"[\s-]+", "_", text)
    if text in _POWER_OF_NAME:
        return PowerFamily(_POWER_OF_NAME[text])
    if text == "binomial":
        return BinomialFamily()
    if text == "tweedie":
        raise _tweedie_without_power()
    if text == "negative_binomial":
        raise _without_theta()
    raise _unknown(document)


def resolve_link(family: Family, link: str | Mapping[str, object] | Link | None) -> Link:
    """Return the link of a model: the family's default for None, else `link`, checked against the family.

    Raises
    ------
    SpecError
        When the link makes no sense for the family's means.

    Examples
    --------
    >>> resolve_link(BinomialFamily(), None)
    LogitLink()
    """
    chosen = link_from(family.default_link if link is None else link)
    kind = "power" if chosen.name.startswith("power") else chosen.name
    if kind in family.allowed_links:
        return chosen
    means = "between 0 and 1" if family.domain == "unit" else "that are not shares"
    raise SpecError.because(
        f"Link {chosen} does not fit the {family} family.",
        f"Its means are numbers {means}, and its links are {', '.join(family.allowed_links)}.",
        f"Take one of those; the default is {family.default_link}."
        + (" For shares take the binomial family." if family.domain != "unit" else ""),
        path="link",
    )


_PARAMETERS = {"power": "tweedie", "theta": "negative_binomial"}
"""What a family given as a mapping may say beside its name, and whose it is."""


def _from_mapping(document: Mapping[str, object]) -> Family:
    extra = sorted(set(document) - {"family", *_PARAMETERS})
    if extra or "family" not in document:
        raise SpecError.because(
            f"A family was given as {dict(document)!r}.",
            'A family has the keys "family" and, for tweedie, "power", for negative_binomial, "theta".',
            'Write {"family": "tweedie", "power": 1.5}.',
            path="family",
        )
    name = document["family"]
    for parameter, owner in _PARAMETERS.items():
        if parameter in document and (not isinstance(name, str) or _plain(name) != owner):
            raise SpecError.because(
                f"Family {name!r} was given a {parameter}.",
                f"Only {owner} has one.",
                f'Leave "{parameter}" out.',
                path=f"family/{parameter}",
            )
    if "power" in document:
        return _tweedie(document["power"])
    if "theta" in document:
        return _negative_binomial(document["theta"])
    if not isinstance(name, str):
        raise _unknown(name)
    return family_from(name)


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _negative_binomial(theta: object) -> Family:
    if theta == "":
        raise _without_theta()
    return NegativeBinomialFamily(_number(theta))


def _without_theta() -> GlmError:
    return SpecError.because(
        "A negative binomial family was given without its theta.",
        "The variance is mu + mu^2 / theta; theta is given, not estimated.",
        'Write "negative_binomial(2.5)", or "poisson" with dispersion=\'pearson\' for counts that vary more.',
        path="family",
    )


def _number(value: object) -> float:
    try:
        return float(value) if not isinstance(value, bool) else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _tweedie(power: object) -> Family:
    if power == "":
        raise _tweedie_without_power()
    number = _number(power)
    if not power_exists(number):
        raise no_such_power(power if math.isnan(number) else number)
    return PowerFamily(number)


def _tweedie_without_power() -> GlmError:
    return SpecError.because(
        "A tweedie family was given without its power.",
        "The power decides which distribution it is.",
        'Write "tweedie(1.5)"; between 1 and 2 for amounts with zeros.',
        path="family",
    )


_OTHER_NAMES = {
    **dict.fromkeys(("logistic", "logit", "bernoulli", "probit", "log_binomial", "binary"), "binomial"),
    **dict.fromkeys(("quasibinomial", "quasi_binomial"), "binomial"),
    **dict.fromkeys(("normal", "linear", "ols", "gauss", "least_squares"), "gaussian"),
    **dict.fromkeys(("quasipoisson", "quasi_poisson", "count", "counts", "log_linear"), "poisson"),
    **dict.fromkeys(("negbin", "nb", "nb2"), "negative_binomial(2.5)"),
    **dict.fromkeys(("wald", "inversegaussian", "ig"), "inverse_gaussian"),
    **dict.fromkeys(("exponential", "erlang"), "gamma"),
    **dict.fromkeys(("compound_poisson", "compound_poisson_gamma"), "tweedie(1.5)"),
}
"""What other packages and people call a family, or what comes nearest to it here."""
_OVERDISPERSED = ("quasipoisson", "quasi_poisson", "quasibinomial", "quasi_binomial")


def _other_name(document: object) -> str:
    text = re.sub(r"[\s-]+", "_", document.strip().lower()) if isinstance(document, str) else ""
    known = _OTHER_NAMES.get(text)
    if known is None:
        return ""
    more = " with dispersion='pearson' for counts or shares that vary more" if text in _OVERDISPERSED else ""
    return f"Nearest: {known!r}{more}."


def _unknown(document: object) -> GlmError:
    names = [*FAMILY_NAMES[:-2], "tweedie(1.5)", "negative_binomial(2.5)"]
    near = _other_name(document)
    hint = near or (nearest(document.lower(), names) if isinstance(document, str) else "Write one of these names.")
    return SpecError.because(f"{document!r} is not a family.", f"Families are {', '.join(names)}.", hint, path="family")
