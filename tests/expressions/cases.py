"""The table of cases: one expression per line of meaning, for every reader of expressions on the hostile frames.

``exact`` cases must agree to the last bit; the others use exp, log or powers and agree to 1e-12.
"""

from __future__ import annotations

from dataclasses import dataclass

from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Bin,
    Clip,
    Compare,
    Expression,
    Function,
    HashBucket,
    IfMissing,
    IsMissing,
    Literal,
    Lookup,
    Not,
    Power,
    Read,
    When,
)
from tests.frames import NAMES, WORDS


@dataclass(frozen=True)
class Case:
    """One expression, what it shows, and whether it must agree to the last bit; `traps` of the compile list."""

    name: str
    expression: Expression
    exact: bool = True
    traps: tuple[int, ...] = ()


X, Y, SINGLE = Read("x"), Read("y"), Read("single")
WHOLE, OTHER = Read("whole", "integer"), Read("other", "integer")
WORD, TERM = Read("word", "text"), Read("term", "text")
FLAG, SIGN, DAY = Read("flag", "boolean"), Read("sign", "boolean"), Read("day", "date")
EDGES = (-7.25, 0.0, 0.1, 0.3, 1.5, 3.0, 25.0, 1e19)
SOME_WORDS = tuple(dict.fromkeys(word for word in WORDS if word is not None))


def bins(argument: Expression, edges: tuple[float, ...] = EDGES, missing: object = -1) -> Bin:
    return Bin(argument, edges, tuple(range(len(edges) + 1)), missing)  # type: ignore[arg-type]


def lookup(argument: Expression, keys: tuple[object, ...]) -> Lookup:
    return Lookup(argument, keys, tuple(range(len(keys))), -1, -2)  # type: ignore[arg-type]


READS = [
    Case(f"{column} read as {kind}", Read(column, kind), traps=traps)  # type: ignore[arg-type]
    for kind, columns in {
        "number": {
            "x": (1, 2, 6),
            "single": (19,),
            "whole": (21,),
            "small": (),
            "full": (),
            "tenth": (20,),
            "wide": (20,),
            "word": (22, 25),
            "flag": (),
            "day": (),
            "nothing": (),
        },
        "integer": {
            "x": (16, 17),
            "single": (),
            "whole": (),
            "small": (),
            "tenth": (),
            "wide": (17,),
            "word": (25,),
            "flag": (),
        },
        "boolean": {"x": (), "single": (), "whole": (), "tenth": (), "word": (24, 28), "flag": (), "nothing": ()},
        "text": {"word": (26, 28, 29, 31), "whole": (24,), "small": (24,), "flag": (24,), "day": ()},
        "date": {"day": (), "moment": (32, 33), "clock": (32,), "word": (33,)},
    }.items()
    for column, traps in columns.items()
]

NAMED = [Case(f"a column named {name!r}", Read(name, "integer"), traps=(29, 30)) for name in NAMES.values()]

BINS = [
    Case("bins of a double: edges belong to the left", bins(X), traps=(1, 2, 3, 39)),
    Case("bins of -0.0 at an edge of 0.0", bins(X, (0.0,)), traps=(6, 7)),
    Case("bins of float32 compare as double", bins(SINGLE, (0.1, 0.3, 0.7, 16777216.5)), traps=(19,)),
    Case("bins of an integer column", bins(Read("whole"), (0.5, 2.0, 25.0, 2.0**53, 1e18)), traps=(21,)),
    Case("bins of a short integer column", bins(Read("full"), (1.0, 2.5, 5.0))),
    Case("bins of integers read as integer", bins(WHOLE, (-1.0, 25.5))),
    Case("bins of a decimal", bins(Read("tenth"), (0.1, 0.3, 25.0)), traps=(20,)),
    Case("bins of text", bins(Read("word"), (0.0, 1.0, 5.0)), traps=(22, 25)),
    Case("bins of a day", bins(DAY, (0.0, 19782.0))),
    Case("bins with text outputs", Bin(X, (0.0, 1.5), ("low'", "mid\\dle", "${a}"), "none"), traps=(29,)),
    Case("bins with number outputs", Bin(X, (0.0, 1.5, 3.0), (-0.0, 0.1, None, 1), None), traps=(3, 18)),
    Case("bins with flags", Bin(X, (0.0,), (True, False), None)),
    Case("bins with only nothing", Bin(X, (0.0,), (None, None), None), traps=(23,)),
    Case("bins without edges", Bin(X, (), (7,), 8)),
    Case("bins that join", Bin(X, (0.0, 1.0, 2.0), (1, 1, 1, 2), 0)),
    Case("bins of a bin", bins(bins(X), (0.5, 3.0))),
    Case("bins of a sum", bins(Arithmetic("+", X, Y)), traps=(1,)),
    Case("bins of many edges", bins(X, tuple(float(edge) / 7 for edge in range(-40, 80)))),
    Case("bins of a constant", bins(Literal(2.5))),
    Case("bins of nothing", bins(Literal(None))),
]

LOOKUPS = [
    Case("lookup of every hostile word", lookup(WORD, SOME_WORDS), traps=(26, 27, 28, 29, 31)),
    Case("lookup of a few words", lookup(WORD, ("A", "a", "a ", "á", "O'Brien", "")), traps=(4, 26, 27)),
    Case(
        "lookup of words in groups", Lookup(WORD, SOME_WORDS, tuple(len(w) % 3 for w in SOME_WORDS), 8, 9), traps=(4,)
    ),
    Case("lookup that gives text", Lookup(WORD, ("A", "b"), ("${x}", None), "it's", "else"), traps=(29,)),
    Case("lookup that gives numbers", Lookup(WORD, ("A", "b", "z"), (0.1, 5e-324, None), None, 1e308), traps=(18,)),
    Case("lookup of an integer", lookup(WHOLE, (0, 1, -1, 25, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))), traps=(21,)),
    Case("lookup of many integers", lookup(WHOLE, tuple(range(-20, 200)))),
    Case("lookup of an integer column as number", lookup(Read("whole"), (0.0, 25.0, 1.5, 2.0**53))),
    Case("lookup of a short integer column", lookup(Read("full", "integer"), (1, 2, 9))),
    Case("lookup of a double", lookup(X, (0.0, 0.1, 0.3, 1.5, float("inf"), 25)), traps=(1, 6, 20)),
    Case(
        "lookup of many doubles, 0.0 among them",
        lookup(X, tuple(float(key) / 10 for key in range(-5, 300))),
        traps=(6,),
    ),
    Case(
        "a list of doubles, 0.0 among them, in one group",
        Lookup(X, tuple(float(key) for key in range(-5, 30)), (1,) * 35, -1, -2),
        traps=(4, 6),
    ),
    Case("lookup of a float32 column rounds its keys", lookup(SINGLE, (0.1, 0.7, 0.3, 16777216.0, 0.0)), traps=(19,)),
    Case("lookup of a decimal", lookup(Read("tenth"), (0.1, 0.3, 25.0, 0.0)), traps=(20,)),
    Case("lookup of a flag", Lookup(FLAG, (True,), ("yes",), "?", "no")),
    Case("lookup of a day", lookup(DAY, ("2024-02-29", "1970-01-01", "0001-01-01"))),
    Case("lookup of a comparison", Lookup(Compare(">", X, Literal(1.0)), (True, False), (1, 0), -1, -2)),
    Case("lookup without keys", lookup(WORD, ())),
    Case("lookup of integers as text", lookup(Read("whole", "text"), ("25", "-1", "9007199254740993")), traps=(24,)),
    Case("lookup that comes down to nothing", Lookup(Read("whole"), (1.5,), (7,), None, None), traps=(23,)),
    Case("bins that come down to nothing", IfMissing(Bin(Literal(2.5), (), (None,), 1), WHOLE), traps=(23,)),
    Case(
        "when: a condition that comes down to nothing",
        When(Lookup(Literal(None), (), (), None, False), X, Literal(None)),
        traps=(23,),
    ),
    Case("lookup of a lookup", lookup(Lookup(WORD, ("A", "b"), ("p", None), None, "q"), ("p", "q"))),
]

ARITHMETIC = (
    [
        Case(f"doubles {sign}", Arithmetic(sign, X, Y), traps=(6, 12))
        for sign in ("+", "-", "*", "/")  # type: ignore[arg-type]
    ]
    + [
        Case(f"integers {sign}", Arithmetic(sign, WHOLE, OTHER), traps=(12, 14, 17))  # type: ignore[arg-type]
        for sign in ("+", "-", "*", "/")
    ]
    + [
        Case("integer times double", Arithmetic("*", WHOLE, X), traps=(21,)),
        Case("integer plus constant", Arithmetic("+", WHOLE, Literal(1)), traps=(17,)),
        Case("integer column as number times two", Arithmetic("*", Read("whole"), Literal(2))),
        Case("float32 plus double", Arithmetic("+", SINGLE, X), traps=(19,)),
        Case("decimal times decimal", Arithmetic("*", Read("tenth"), Read("wide")), traps=(20,)),
        Case("decimal by three", Arithmetic("/", Read("tenth"), Literal(3)), traps=(20,)),
        Case("one by a constant zero", Arithmetic("/", Literal(1), Literal(0)), traps=(12,)),
        Case("days between", Arithmetic("-", DAY, Literal(100))),
        Case("a missing constant in a sum", Arithmetic("+", X, Literal(None)), traps=(11, 23)),
        Case("a long sum", Arithmetic("+", Arithmetic("+", Arithmetic("*", X, Y), SINGLE), Literal(0.1)), traps=(36,)),
        Case("infinity less infinity", Arithmetic("-", Literal(float("inf")), X)),
        Case("clip", Clip(X, -1.0, 150.0), traps=(8,)),
        Case("clip from above", Clip(Read("whole"), None, 25)),
        Case("clip a sum", Clip(Arithmetic("-", X, Y), 0.0, 1.0), traps=(1, 8)),
        Case(
            "clips in clips",
            Clip(Clip(Clip(Clip(Arithmetic("*", X, Y), -9e9, 9e9), -8e8, None), None, 7e7), -1.0, 25.0),
        ),
        Case("the absolute value", Function("abs", X)),
    ]
)

FUNCTIONS = (
    [
        Case(f"{name} of a {column}", Function(name, Read(column)), exact=False, traps=(13,))  # type: ignore[arg-type]
        for name in ("log", "exp", "expm1", "sqrt", "normal_cdf")
        for column in ("x", "whole", "single", "tenth")
    ]
    + [
        Case(f"power {exponent} of a double", Power(X, exponent), exact=False, traps=(13,))
        for exponent in (2.0, 0.5, -1.0, -0.5, 0.0, 3.0, 1.0, 1 / 3, -2.0)
    ]
    + [
        Case("log of a clipped log", Function("log", Clip(Function("log", Y), 0.1)), exact=False),
        Case(
            "normal_cdf of a sum",
            Function("normal_cdf", Arithmetic("/", Arithmetic("+", X, Y), Literal(9.0))),
            exact=False,
        ),
        Case(
            "exp of a big tree",
            Function(
                "exp",
                Arithmetic("-", Clip(Bin(X, EDGES, (0.1,) * 4 + (0.2,) * 5, 0.0), 0.0), Function("log", Clip(Y, 1.0))),
            ),
            exact=False,
        ),
    ]
)

CONDITIONS = (
    [
        Case(f"doubles {sign}", Compare(sign, X, Y), traps=(1, 3, 5))
        for sign in ("==", "!=", "<", "<=", ">", ">=")  # type: ignore[arg-type]
    ]
    + [
        Case(f"a double {sign} a constant", Compare(sign, X, Literal(1.5)), traps=(1, 40))  # type: ignore[arg-type]
        for sign in ("==", "!=", "<", "<=", ">", ">=")
    ]
    + [
        Case(f"a constant {sign} a double", Compare(sign, Literal(1.5), X), traps=(1, 40))  # type: ignore[arg-type]
        for sign in ("==", "!=", "<", "<=", ">", ">=")
    ]
    + [
        Case(f"text {sign} text", Compare(sign, WORD, TERM), traps=(26, 27, 28))  # type: ignore[arg-type]
        for sign in ("==", "!=", "<", ">=")
    ]
    + [
        Case("text and a constant", Compare("==", WORD, Literal("back\\slash")), traps=(29,)),
        Case("integers", Compare("<", WHOLE, OTHER)),
        Case("an integer and an integer beyond doubles", Compare("==", WHOLE, Literal(2**53 + 1)), traps=(21,)),
        Case("an integer and a double", Compare("==", WHOLE, Literal(float(2**53))), traps=(21,)),
        Case("two integer columns as numbers", Compare("==", Read("whole"), Read("other"))),
        Case("a float32 and a double", Compare(">", SINGLE, Literal(0.1)), traps=(19,)),
        Case("a decimal and a double", Compare("==", Read("tenth"), Literal(0.3)), traps=(20,)),
        Case("flags", Compare("==", FLAG, SIGN)),
        Case("a flag and a comparison", Compare("==", FLAG, Compare(">", X, Y))),
        Case("a day and a constant", Compare("<=", DAY, Literal("2024-02-29"))),
        Case("infinity", Compare("<=", X, Literal(float("inf")))),
        Case("a missing constant", Compare("==", X, Literal(None)), traps=(4, 23)),
        Case("not of a comparison is true for missing", Not(Compare("==", WORD, Literal("A"))), traps=(3, 4, 5)),
        Case("not of a flag", Not(FLAG)),
        Case("not of not", Not(Not(FLAG))),
        Case("all of", AllOf((Compare(">", X, Literal(0.0)), FLAG, Compare("<", Y, Literal(25.0)))), traps=(3,)),
        Case("any of", AnyOf((Compare(">", X, Literal(0.0)), FLAG, SIGN)), traps=(3,)),
        Case("not all of", Not(AllOf((FLAG, SIGN))), traps=(3,)),
        Case("all of none", AllOf(())),
        Case("any of none", AnyOf(())),
        Case("is missing: NaN and NULL", IsMissing(X), traps=(2,)),
        Case("is missing: an impossible result", IsMissing(Function("log", X)), traps=(13,)),
        Case("is missing: text that is no number", IsMissing(Read("word")), traps=(25,)),
        Case("is missing: a comparison never is", IsMissing(Compare(">", X, Y))),
        Case("is missing: a flag may be", IsMissing(FLAG)),
        Case("is missing: a constant is not", IsMissing(Literal(1))),
        Case("is missing: infinity less infinity", IsMissing(Arithmetic("-", X, X))),
        Case("if missing: a number", IfMissing(X, Literal(0.5)), traps=(2, 8)),
        Case("if missing: an integer by a double", IfMissing(WHOLE, Literal(0.5)), traps=(22,)),
        Case("if missing: text", IfMissing(WORD, Literal("?")), traps=(11, 31)),
        Case("if missing: a flag", IfMissing(FLAG, Compare(">", X, Y))),
        Case("if missing: by nothing", IfMissing(WORD, Literal(None))),
        Case("if missing: a day", IfMissing(DAY, Literal("2000-01-01"))),
        Case("when", When(Compare(">", X, Literal(1.0)), X, Y), traps=(3,)),
        Case("when: a missing flag is not true", When(FLAG, Literal(1), Literal(2)), traps=(3,)),
        Case("when: integer or number", When(SIGN, WHOLE, X), traps=(22,)),
        Case("when: text or nothing", When(SIGN, WORD, Literal(None)), traps=(23,)),
        Case("when: two texts", When(FLAG, WORD, TERM)),
        Case("when: flags", When(SIGN, FLAG, Compare(">", X, Y))),
        Case("when: integers", When(SIGN, WHOLE, OTHER)),
        Case("when: days", When(SIGN, DAY, Literal("2000-01-01"))),
        Case(
            "when: the other branch would fail",
            When(Compare("!=", WHOLE, Literal(0)), Arithmetic("/", Literal(1), WHOLE), Literal(0.0)),
            traps=(12,),
        ),
    ]
)

CONSTANTS = [
    Case(f"the constant {value!r}", Literal(value), traps=(18, 23))
    for value in (
        0,
        1,
        2**63 - 1,
        -(2**63),
        0.1,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        float("inf"),
        float("-inf"),
        float("nan"),
        None,
        True,
        False,
        0.30000000000000004,
        1e16,
        123456789.123456789,
    )
] + [Case(f"the word {word!r}", Literal(word), traps=(29,)) for word in SOME_WORDS]

BUCKETS = [
    Case("buckets of text", HashBucket(WORD, "split", 1, 10), traps=(38,)),
    Case("buckets of an integer", HashBucket(Read("whole", "text"), "folds", -3, 7), traps=(24, 38)),
    Case("buckets of another purpose", HashBucket(WORD, "it's|${a}\\", 1, 2**32), traps=(29, 38)),
    Case("one bucket", HashBucket(TERM, "", 0, 1)),
]

CASES: list[Case] = [*READS, *NAMED, *BINS, *LOOKUPS, *ARITHMETIC, *FUNCTIONS, *CONDITIONS, *CONSTANTS, *BUCKETS]

TRAPS_OUT_OF_SCOPE = {
    9: "grouping is the engines' cells",
    10: "sorting is the engines' cells",
    15: "no node rounds",
    34: "no node takes parts of dates",
    35: "quantiles are the engines'",
    37: "statistics are the engines'",
}
"""Traps no expression can fall into, and whose they are."""
