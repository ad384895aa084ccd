"""The catalogue of errors, read off the source: ``python -m tests.architecture.error_catalogue`` writes docs/errors.md.

Errors are made by ``SpecError.because(found, rule, way_out)`` and ``Problem(path, found, rule, way_out)``. Nothing is
imported: the calls are found in the syntax tree, and a rule is told as far as it is written there, with … for the rest.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.architecture.tree import ROOT, source_files

PAGE = ROOT / "docs/errors.md"
GAP = "…"
PACKAGES = ("glm_local", "glm_spark")
POSITION = {"because": {"found": 0, "rule": 1, "way_out": 2}, "Problem": {"found": 1, "rule": 2, "way_out": 3}}

HEAD = """# Errors

Every rule that an error can tell, by the class that tells it. Written by `make docs-errors`; a test says when it is
old. Each error says what was found, the rule, and the way out; this page lists the rules. … stands for what the error
fills in. Where an error has no rule, what it found stands here, marked *found*.

A rule's code is made of its class and its text. It stays the same until the text changes. `Problem` stands for problems
of a document, which come all at once in a `SpecError`, `ConfigError` or `DataError`. Exit codes are in the README.
"""


@dataclass(frozen=True)
class Rule:
    """One text that an error tells as its rule; `found` where it has none and tells what was found instead."""

    error: str
    text: str
    found: bool = False

    @property
    def code(self) -> str:
        return hashlib.sha256(f"{self.error} {self.text}".encode()).hexdigest()[:6]


@dataclass
class Source:
    """One module: where it is, and what its functions, calls and constants are."""

    name: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, from the inside."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node: ast.AST) -> ast.FunctionDef | None:
        return next((outer for outer in self.around(node) if isinstance(outer, ast.FunctionDef)), None)


def sources() -> list[Source]:
    """Every module of the product."""
    return [
        Source(
            ".".join(path.with_suffix("").parts).removesuffix(".__init__"), ast.parse((ROOT / path).read_text("utf-8"))
        )
        for path in source_files(*PACKAGES)
    ]


def rules(modules: list[Source]) -> dict[Rule, set[str]]:
    """Rule to the modules that tell it."""
    listed: dict[Rule, set[str]] = defaultdict(set)
    for source in modules:
        for call in ast.walk(source.tree):
            error = _error_of(source, call)
            if error is None or not isinstance(call, ast.Call):
                continue
            texts = _texts(modules, source, call, "rule")
            missing = texts == {""}
            for text in _texts(modules, source, call, "found") if missing else texts - {""}:
                if any(letter.isalpha() for letter in text):
                    listed[Rule(error, text, missing)].add(source.name)
    return listed


def _error_of(source: Source, node: ast.AST) -> str | None:
    """The class an error call makes; None for other nodes."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "because":
        owner = node.func.value
        return owner.id if isinstance(owner, ast.Name) and owner.id[0].isupper() else "GlmError"
    if not (isinstance(node.func, ast.Name) and node.func.id == "Problem") or source.name.endswith(".errors"):
        return None
    for outer in source.around(node):
        if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Name) and outer.func.id.endswith("Error"):
            return outer.func.id
        if isinstance(outer, ast.stmt):
            break
    return "Problem"


def _texts(modules: list[Source], source: Source, call: ast.Call, part: str) -> set[str]:
    kind = call.func.attr if isinstance(call.func, ast.Attribute) else "Problem"
    given = _argument(call, part, POSITION[kind][part])
    if given is not None:
        return _templates(modules, source, given)
    spread = next((at for at, one in enumerate(call.args) if isinstance(one, ast.Starred)), None)
    if spread is None:
        return {GAP}
    tuples = _tuples(source, call.args[spread])
    values = [one.elts[POSITION[kind][part] - spread] for one in tuples]
    return {text for value in values for text in _templates(modules, source, value)} or {GAP}


def _tuples(source: Source, spread: ast.expr) -> list[ast.Tuple]:
    """The tuples that ``*value`` may spread: what a function of the module returns, or what a table holds."""
    assert isinstance(spread, ast.Starred)
    values: list[ast.expr] = []
    if isinstance(spread.value, ast.Call):
        values = _returned(source, spread.value)
    elif isinstance(spread.value, ast.Subscript):
        values = _held(source, spread.value)
    return [one for one in values if isinstance(one, ast.Tuple)]


def _returned(source: Source, call: ast.Call) -> list[ast.expr]:
    name = getattr(call.func, "id", None)
    functions = [one for one in source.tree.body if isinstance(one, ast.FunctionDef) and one.name == name]
    returns = (node for one in functions for node in ast.walk(one) if isinstance(node, ast.Return))
    return [node.value for node in returns if node.value is not None]


def _held(source: Source, subscript: ast.Subscript) -> list[ast.expr]:
    """Values of a dictionary written out in the function or the module."""
    if not isinstance(subscript.value, ast.Name):
        return []
    function = source.function_of(subscript)
    name = subscript.value.id
    written = (_assigned(function.body, name) if function is not None else []) or _assigned(source.tree.body, name)
    return [value for one in written if isinstance(one, ast.Dict) for value in one.values]


def _argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    named = next((one.value for one in call.keywords if one.arg == name), None)
    starred = any(isinstance(one, ast.Starred) for one in call.args[: position + 1])
    return named or (call.args[position] if position < len(call.args) and not starred else None)


def _templates(modules: list[Source], source: Source, node: ast.expr, depth: int = 0) -> set[str]:
    """Texts an expression may have; … stands for what is only known when it runs."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.JoinedStr):
        return _joined([{str(part.value)} if isinstance(part, ast.Constant) else {GAP} for part in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined([_templates(modules, source, side, depth) for side in (node.left, node.right)])
    if isinstance(node, ast.IfExp):
        return _templates(modules, source, node.body, depth) | _templates(modules, source, node.orelse, depth)
    if depth >= 4:
        return {GAP}
    values: list[tuple[Source, ast.expr]] = []
    if isinstance(node, ast.Name):
        values = _values(modules, source, node)
    elif isinstance(node, ast.Call):
        values = [(source, value) for value in _returned(source, node)]
    elif isinstance(node, ast.Subscript):
        values = [(source, value) for value in _held(source, node)]
    return {text for module, value in values for text in _templates(modules, module, value, depth + 1)} or {GAP}


def _joined(parts: list[set[str]]) -> set[str]:
    texts = {""}
    for part in parts:
        texts = {before + after for before in texts for after in part}
    return {text.replace(GAP + GAP, GAP) for text in texts}


def _values(modules: list[Source], source: Source, name: ast.Name) -> list[tuple[Source, ast.expr]]:
    """What a name may hold: assigned in its function, given to its function by a caller, or a constant of the module."""
    function = source.function_of(name)
    inside = _assigned(function.body, name.id) if function is not None else []
    if inside:
        return [(source, value) for value in inside]
    if function is not None:
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        if name.id in {*parameters, *(one.arg for one in function.args.kwonlyargs)}:
            return list(_given(modules, function, name.id, parameters))
    return [(source, value) for value in _assigned(source.tree.body, name.id)]


def _assigned(body: list[ast.stmt], name: str) -> list[ast.expr]:
    found = []
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == name
            and node.value
        ):
            found.append(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Name) and target.id == name:
                found.append(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                found += [value for left, value in pairs if isinstance(left, ast.Name) and left.id == name]
    return found


def _given(
    modules: list[Source], function: ast.FunctionDef, name: str, parameters: list[str]
) -> Iterator[tuple[Source, ast.expr]]:
    own = parameters[1:] if parameters[:1] in (["self"], ["cls"]) else parameters
    private = function.name.startswith("_")
    for source in [one for one in modules if not private or function in one.parents]:
        for call in ast.walk(source.tree):
            if (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", getattr(call.func, "attr", None)) == function.name
            ):
                value = _argument(call, name, own.index(name) if name in own else len(call.args))
                if value is not None:
                    yield source, value


def page() -> str:
    """The whole page."""
    listed = rules(sources())
    lines = [HEAD]
    for error in sorted({rule.error for rule in listed}):
        lines += [f"## {error}\n", "| Code | Rule | Where |", "|---|---|---|"]
        for rule in sorted((one for one in listed if one.error == error), key=lambda one: (one.text.lower(), one.text)):
            where = ", ".join(f"`{name}`" for name in sorted(listed[rule]))
            lines.append(f"| `{rule.code}` | {'*found:* ' if rule.found else ''}{_cell(rule.text)} | {where} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    for letter in "\\|*_<>[]`$":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("\n", " ").strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
