"""Blocks: rows packed for one design, and the sums numpy kernels take over them.

Factor codes are packed into *atoms*: bundles of factors whose combined code fits a byte (or two). A linear predictor is
then one table look-up per atom, and X'WX one weighted count per pair of atoms, whatever the number of factors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.expression import Arithmetic, Expression
from glm_local.expressions.expression import Literal as Constant
from glm_local.rows.domain import Domain
from glm_local.rows.repeated_density import repeated_density

ROWS_PER_BLOCK = 65_536
ATOM_SIZE = 256
LOG_SUMS = 4

Sums = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Field:
    """One factor's code: an integer expression in ``[0, size)``, never missing."""

    name: str
    code: Expression
    size: int


@dataclass(frozen=True)
class Cross:
    """Several fields crossed: code ``(…(c0 * size1 + c1) * size2 + c2)…``, computed when rows are packed."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Atom:
    """Fields and crosses that share one stored code, mixed radix, the first member the slowest digit."""

    members: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.sizes)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint8 if self.size <= 256 else np.uint16 if self.size <= 65_536 else np.uint32)

    def member_codes(self, member: str) -> NDArray[np.int64]:
        """Code of one member for every atom code, shape (size,)."""
        at = self.members.index(member)
        return np.arange(self.size) // math.prod(self.sizes[at + 1 :]) % self.sizes[at]


FAULTS = (
    "target missing",
    "target outside the family",
    "weight missing",
    "weight negative",
    "weight zero",
    "exposure missing",
    "exposure not positive",
    "offset missing",
    "numeric missing",
    "beyond doubles",
)
"""Why a row is left out of its block; "weight zero" is a rule (it adds nothing), the others are problems."""


@dataclass(frozen=True)
class BlockDesign:
    """What is packed of each row.

    Parameters
    ----------
    fields, crosses
        Factor codes and their crossings, in model order.
    numerics
        Name to ``number`` expression (linear terms).
    response
        ``number`` expression.
    weight, exposure, offset
        ``number`` expressions or None; absent means 1, 1 and 0.
    domain
        Which responses the family allows.
    folded_power
        Variance power p of a log-link model: then exposure and offset fold into amount and weight
        (s = exposure * exp(offset), amount = w s^(1-p) y, weight = w s^(2-p)) and blocks keep no offset.
        None for other links: amount = w y, weight = w, offset kept (exposure is then not allowed).
    sorted_by
        Field whose codes order the rows of a block, so that rows of some codes lie together; None keeps their order.
    """

    fields: tuple[Field, ...]
    response: Expression
    crosses: tuple[Cross, ...] = ()
    numerics: Mapping[str, Expression] = field(default_factory=dict)
    weight: Expression | None = None
    exposure: Expression | None = None
    offset: Expression | None = None
    domain: Domain = "real"
    folded_power: float | None = None
    sorted_by: str | None = None

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of codes of every field and cross."""
        sizes = {one.name: one.size for one in self.fields}
        for cross in self.crosses:
            sizes[cross.name] = math.prod(sizes[member] for member in cross.members)
        return sizes

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """Fields and crosses bundled, first fit by falling size, so that each bundle has at most 256 codes."""
        bundles: list[list[str]] = []
        products: list[int] = []
        for name in sorted(self.sizes, key=lambda one: (-self.sizes[one], one)):
            size = self.sizes[name]
            at = next((i for i, product in enumerate(products) if product * size <= ATOM_SIZE), None)
            if at is None:
                bundles.append([name])
                products.append(size)
            else:
                bundles[at].append(name)
                products[at] *= size
        return tuple(Atom(tuple(names), tuple(self.sizes[name] for name in names)) for names in bundles)

    def atom_of(self, name: str) -> int:
        """Index of the atom that holds a field or cross."""
        return next(i for i, atom in enumerate(self.atoms) if name in atom.members)

    @cached_property
    def codes(self) -> dict[str, Expression]:
        """Integer expression of every field and cross."""
        codes: dict[str, Expression] = {one.name: one.code for one in self.fields}
        for cross in self.crosses:
            codes[cross.name] = mixed_radix([(codes[m], self.sizes[m]) for m in cross.members])
        return codes

    def shape(self) -> BlockDesign:
        """The same layout without its expressions: all a kernel needs, and cheap to send to executors."""
        nothing = Constant(0)
        return replace(
            self,
            fields=tuple(Field(one.name, nothing, one.size) for one in self.fields),
            response=nothing,
            numerics=dict.fromkeys(self.numerics, nothing),
            weight=None if self.weight is None else nothing,
            exposure=None if self.exposure is None else nothing,
            offset=None if self.offset is None else nothing,
        )

    def atom_expressions(self) -> tuple[Expression, ...]:
        """Integer expression of every atom's code."""
        return tuple(mixed_radix([(self.codes[m], self.sizes[m]) for m in atom.members]) for atom in self.atoms)


def mixed_radix(digits: Sequence[tuple[Expression, int]]) -> Expression:
    """One code of several ``(code, size)`` digits, the first the slowest."""
    (total, _), *rest = digits
    for code, size in rest:
        total = Arithmetic("+", Arithmetic("*", total, Constant(size)), code)
    return total


@dataclass(frozen=True)
class Block:
    """Up to 65,536 usable rows as contiguous arrays.

    Parameters
    ----------
    atoms
        One unsigned integer array of shape (rows,) per atom of the design.
    numerics
        float64, shape (number of numerics, rows).
    amount, weight
        float64 of shape (rows,): w y and w with exposure folded in (see `BlockDesign`); the effective
        response is amount / weight. `weight` None is 1 everywhere.
    offset
        float64 of shape (rows,) on the link scale, or None.
    log_scale
        What a log density needs that blocks no longer show, shape (LOG_SUMS,): sums of log s over all rows and over
        rows with y > 0; and where rows have weights, sums of w and of w c(y), with c(y) = log y in a positive domain,
        the log density of a count y at mean y in a nonnegative one (NaN for y that is not whole), 0 in others.
    faults
        Rows left out, by `FAULTS`, float64 of shape (len(FAULTS),).
    within
        Set when "rows" are cells: sum of weight * (response - cell mean)^2 per cell; None for real rows.
    """

    atoms: tuple[NDArray[np.unsignedinteger], ...]
    numerics: NDArray[np.float64]
    amount: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    log_scale: NDArray[np.float64]
    faults: NDArray[np.float64]
    within: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        return len(self.amount)


def make_block(
    design: BlockDesign,
    atoms: Sequence[NDArray[np.integer]],
    numerics: Sequence[NDArray[np.float64]],
    response: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    exposure: NDArray[np.float64] | None,
    offset: NDArray[np.float64] | None,
) -> Block:
    """Check rows, leave out and count the faulty ones, fold exposure and offset: the one way a block is made."""
    reasons = _fault_masks(design, numerics, response, weight, exposure, offset)
    faults = np.zeros(len(FAULTS))
    bad: NDArray[np.bool_] | None = None
    for reason, mask in reasons:
        if bad is not None:
            mask = mask & ~bad
        found = np.count_nonzero(mask)
        if found:
            faults[FAULTS.index(reason)] = found
            bad = mask if bad is None else bad | mask
    if bad is not None:
        good = ~bad
        atoms = [atom[good] for atom in atoms]
        numerics = [numeric[good] for numeric in numerics]
        response = response[good]
        weight, exposure, offset = (None if one is None else one[good] for one in (weight, exposure, offset))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        amount, folded, kept, log_scale = _fold(design.folded_power, response, weight, exposure, offset)
    if amount is not response or folded is not None:
        faults[FAULTS.index("beyond doubles")] = _beyond_doubles(response, amount, folded)
    if weight is not None:
        log_scale[2:] = weight.sum(), repeated_density(design.domain, response, weight)
    block = Block(
        tuple(np.ascontiguousarray(a, dtype=atom.dtype) for a, atom in zip(atoms, design.atoms, strict=True)),
        np.ascontiguousarray(numerics, dtype=np.float64).reshape(len(design.numerics), len(amount)),
        amount,
        folded,
        kept,
        log_scale,
        faults,
    )
    return rows_in_order(design, block)


def rows_in_order(design: BlockDesign, block: Block) -> Block:
    """Put the rows in the order of the codes of `BlockDesign.sorted_by`; a block as it is where none is asked."""
    if design.sorted_by is None:
        return block
    order = _order(design, design.sorted_by, block.atoms)
    return replace(
        block,
        atoms=tuple(atom[order] for atom in block.atoms),
        numerics=np.ascontiguousarray(block.numerics[:, order]),
        amount=block.amount[order],
        weight=None if block.weight is None else block.weight[order],
        offset=None if block.offset is None else block.offset[order],
        within=None if block.within is None else block.within[order],
    )


def _beyond_doubles(
    response: NDArray[np.float64], amount: NDArray[np.float64], weight: NDArray[np.float64] | None
) -> int:
    """Rows whose weight times response, exposure and offset folded in, overflows, or vanishes though it is not 0."""
    with np.errstate(all="ignore"):
        inside = np.isfinite(amount) & ((amount != 0) | (response == 0))
        if weight is not None:
            inside &= (weight > 0) & (weight < np.inf)
    return len(response) - int(np.count_nonzero(inside))


def _order(design: BlockDesign, name: str, atoms: Sequence[NDArray[np.unsignedinteger]]) -> NDArray[np.intp]:
    at = design.atom_of(name)
    codes = np.take(design.atoms[at].member_codes(name).astype(np.uint16), atoms[at])
    return np.argsort(codes, kind="stable")


def _fault_masks(
    design: BlockDesign,
    numerics: Sequence[NDArray[np.float64]],
    response: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    exposure: NDArray[np.float64] | None,
    offset: NDArray[np.float64] | None,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    # A zero weight comes first: such a row adds nothing, whatever else it holds.
    if weight is not None:
        yield "weight zero", weight == 0
        yield "weight missing", ~np.isfinite(weight)
        yield "weight negative", weight < 0
    yield "target missing", ~np.isfinite(response)
    if design.domain != "real":
        allowed = response > 0 if design.domain == "positive" else response >= 0
        yield "target outside the family", ~(allowed & (response <= 1)) if design.domain == "unit" else ~allowed
    if exposure is not None:
        yield "exposure missing", ~np.isfinite(exposure)
        yield "exposure not positive", exposure <= 0
    if offset is not None:
        yield "offset missing", ~np.isfinite(offset)
    for numeric in numerics:
        yield "numeric missing", ~np.isfinite(numeric)


def _fold(
    power: float | None,
    response: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    exposure: NDArray[np.float64] | None,
    offset: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.float64] | None, NDArray[np.float64]]:
    amount = response if weight is None else weight * response
    if power is None or (exposure is None and offset is None):
        return amount, weight, offset, np.zeros(LOG_SUMS)
    scale = np.ones_like(response) if exposure is None else exposure
    if offset is not None:
        scale = scale * np.exp(offset)
    logs = np.log(scale)
    log_scale = np.array([logs.sum(), logs[response > 0].sum(), 0.0, 0.0])
    amount = amount if power == 1 else amount * scale ** (1 - power)
    factor = scale if power == 1 else scale ** (2 - power)
    return amount, factor if weight is None else weight * factor, None, log_scale


class Kernel(Protocol):
    """Numpy arithmetic over blocks: a picklable record of its state; answers of partitions merge."""

    def begin(self) -> Sums:
        """Empty sums."""
        ...

    def add(self, sums: Sums, block: Block) -> None:
        """Add one block, in place."""
        ...

    def finish(self, sums: Sums) -> Sums:
        """Turn accumulated sums into the (smaller) answer of these blocks; called once per partition."""
        ...

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Put answers of partitions together: `add_sums`, unless the kernel groups by keys of its own."""
        ...


class Blocks(Protocol):
    """A handle to packed rows, in memory or on executors."""

    design: BlockDesign

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        """Add up what `kernel` returns over every `every`-th block; one (partial) pass over packed rows."""
        ...

    def close(self) -> None:
        """Free what is kept; the handle is useless afterwards."""
        ...


def sum_blocks(kernel: Kernel, blocks: Iterable[Block]) -> Sums:
    """Run one kernel over some blocks: the one loop both engines use."""
    sums = kernel.begin()
    for block in blocks:
        kernel.add(sums, block)
    return kernel.finish(sums)


def add_sums(parts: Sequence[Sums]) -> Sums:
    """Add answers of partitions, elementwise, in the order given; those of a single one themselves."""
    if len(parts) == 1:
        return list(parts[0])
    total = [array.copy() for array in parts[0]]
    for part in parts[1:]:
        for mine, other in zip(total, part, strict=True):
            mine += other
    return total
