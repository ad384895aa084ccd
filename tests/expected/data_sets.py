"""Where the small data sets come from: what they are, the package that carries them, and its licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """A file of `data`."""

    about: str
    package: str
    licence: str


MASS = ("R package MASS", "GPL-2 | GPL-3")
AER = ("R package AER", "GPL-2 | GPL-3")
DATASETS = ("R package datasets", "part of R: GPL-2 | GPL-3")

DATA_SETS = {
    "anorexia": DataSet("Weights of 72 girls before and after treatment (Hand et al. 1994)", *MASS),
    "biochemists": DataSet(
        "Articles by 915 students of biochemistry (Long 1990); bioChemists", "R package pscl", "GPL-2"
    ),
    "birthwt": DataSet(
        "Low birth weight, 189 births (Hosmer and Lemeshow 1989), recoded as in Venables, Ripley", *MASS
    ),
    "budworm": DataSet(
        "Tobacco budworms killed, by dose and sex: 12 lines typed from Venables, Ripley 2002, p. 191",
        "typed from the book",
        "published figures",
    ),
    "clotting": DataSet(
        "Clotting times of blood: 9 lines typed from R's ?glm, after McCullagh, Nelder 1989, pp. 300-302",
        "typed from the book",
        "published figures",
    ),
    "dobson": DataSet(
        "A randomized trial: 9 counts typed from R's ?glm, after Dobson 1990, p. 93",
        "typed from the book",
        "published figures",
    ),
    "infert": DataSet("Infertility after abortion, 248 women (Trichopoulos et al. 1976)", *DATASETS),
    "insurance": DataSet("Claims on cars, 64 cells, 1973 (Baxter, Coutts, Ross 1980); Insurance", *MASS),
    "menarche": DataSet("Age at menarche of 3,918 girls in Warsaw (Milicer, Szczotka 1966)", *MASS),
    "nmes": DataSet("Visits of 4,406 elderly to physicians, NMES 1988 (Deb, Trivedi 1997); NMES1988", *AER),
    "quine": DataSet("Days absent from school, 146 children (Quine 1975)", *MASS),
    "recreation": DataSet("Boating trips to Lake Somerville, 659 answers, 1980; RecreationDemand", *AER),
    "separated": DataSet("A response that a column separates", "made up", "none needed"),
    "ships": DataSet("Damage to ships by waves, 34 cells (McCullagh, Nelder 1983)", *MASS),
    "trees": DataSet("Girth, height and volume of 31 cherry trees (Ryan et al. 1976)", *DATASETS),
    "tweedie_logdensity": DataSet(
        "Tweedie log densities at 150 points, by mgcv::ldTweedie", "computed by R package mgcv", "figures"
    ),
    "warpbreaks": DataSet("Breaks of yarn in 54 looms (Tippett 1950)", *DATASETS),
}
