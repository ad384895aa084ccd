"""Recoded blocks are the blocks one would have packed for the coarse design."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.candidates.field_map import code_map
from glm_local.expressions.evaluate_record import record_reader
from glm_local.expressions.expression import Literal
from glm_local.factors.compile_factor import CompiledFactor, compile_factor
from glm_local.factors.factors import categorical, numeric
from glm_local.families.families import family_from
from glm_local.glm.kernels import SummaryKernel
from glm_local.inference.recode import FieldMap, ManyKernels, Recode, RecodedKernel
from glm_local.rows.blocks import Block, BlockDesign, Cross, Field, make_block

NOTHING = Literal(0)


def packed(design: BlockDesign, codes: dict[str, np.ndarray], response: np.ndarray, x: np.ndarray) -> Block:  # type: ignore[type-arg]
    """Codes by field, packed as an engine would."""
    for cross in design.crosses:
        total = np.zeros(len(response), dtype=np.int64)
        for name in cross.members:
            total = total * design.sizes[name] + codes[name]
        codes = {**codes, cross.name: total}
    atoms = []
    for atom in design.atoms:
        total = np.zeros(len(response), dtype=np.int64)
        for name, size in zip(atom.members, atom.sizes, strict=True):
            total = total * size + codes[name]
        atoms.append(total)
    return make_block(design, atoms, [x] if design.numerics else [], response, None, None, None)


@settings(max_examples=80)
@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.integers(0, 2**32 - 1), st.booleans())
def test_a_recoded_block_is_the_block_packed_for_the_coarse_design(sizes: list[int], seed: int, crossed: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = 200
    fine_codes = {f"f{i}": rng.integers(0, size, rows) for i, size in enumerate(sizes)}
    fine = BlockDesign(
        tuple(Field(name, NOTHING, size) for name, size in zip(fine_codes, sizes, strict=True)),
        NOTHING,
        numerics={"x": NOTHING},
    )
    coarse_sizes = [int(rng.integers(1, size + 1)) for size in sizes[1:]]
    maps = {f"c{i}": FieldMap(f"f{i}", rng.integers(0, size, sizes[i])) for i, size in enumerate(coarse_sizes, start=1)}
    crosses = (Cross("c1 x c2", ("c1", "c2")),) if crossed and len(coarse_sizes) > 1 else ()
    coarse = BlockDesign(
        tuple(Field(f"c{i}", NOTHING, size) for i, size in enumerate(coarse_sizes, start=1)),
        NOTHING,
        crosses,
        numerics={"x": NOTHING},
    )
    flags = rng.random(sizes[0]) < 0.6
    recode = Recode.between(fine, coarse, maps, ("f0", flags))
    response, x = rng.random(rows), rng.random(rows)
    found = recode.block(packed(fine, fine_codes, response, x))
    keep = flags[fine_codes["f0"]]
    codes = {name: one.codes[fine_codes[one.fine]][keep] for name, one in maps.items()}
    wanted = packed(coarse, codes, response[keep], x[keep])
    for ours, theirs in zip(found.atoms, wanted.atoms, strict=True):
        assert ours.dtype == theirs.dtype
        assert (ours == theirs).all()
    assert (found.amount == wanted.amount).all()
    assert (found.numerics == wanted.numerics).all()


def test_many_kernels_answer_as_each_does_alone_for_any_number_of_parts() -> None:
    rng = np.random.default_rng(1)
    design = BlockDesign((Field("f0", NOTHING, 7), Field("f1", NOTHING, 300)), NOTHING)
    blocks = [
        packed(design, {"f0": rng.integers(0, 7, 90), "f1": rng.integers(0, 300, 90)}, rng.random(90), rng.random(90))
        for _ in range(4)
    ]
    family = family_from("gaussian")
    whole = SummaryKernel(family, tuple(one.size for one in design.atoms), 0)
    maps = {"f0": FieldMap("f0", np.arange(7)), "f1": FieldMap("f1", np.arange(300))}
    half = RecodedKernel(Recode.between(design, design, maps, ("f0", np.arange(7) < 3)), whole)
    both = ManyKernels((whole, half))

    def run(kernel: object, cuts: list[int]) -> list[np.ndarray]:  # type: ignore[type-arg]
        parts = []
        for first, last in pairwise(cuts):
            sums = kernel.begin()  # type: ignore[attr-defined]
            for block in blocks[first:last]:
                kernel.add(sums, block)  # type: ignore[attr-defined]
            parts.append(kernel.finish(sums))  # type: ignore[attr-defined]
        return kernel.merge(parts)  # type: ignore[attr-defined,no-any-return]

    for cuts in ([0, 4], [0, 1, 4], [0, 2, 2, 3, 4]):
        for kernel, answer in zip((whole, half), both.answers(run(both, cuts)), strict=True):
            for ours, theirs in zip(answer, run(kernel, cuts), strict=True):
                assert ours == pytest.approx(theirs, nan_ok=True)


@settings(max_examples=100)
@given(
    st.lists(st.integers(-5, 20), min_size=1, max_size=8, unique=True),
    st.data(),
    st.sampled_from(["own_level", "base"]),
    st.booleans(),
)
def test_a_numeric_code_map_gives_the_coarse_code_of_every_value(
    edges: list[int], data: st.DataObject, missing: str, bounded: bool
) -> None:
    edges = sorted(edges)
    chosen = sorted(data.draw(st.sets(st.sampled_from(edges), min_size=1)))
    fine = compiled(numeric("x", edges=edges, missing="own_level"))
    limits = {"upper": chosen[-1], "above": "own_level"} if bounded and len(chosen) > 1 else {}
    coarse = compiled(numeric("x", edges=chosen[:-1] if limits else chosen, missing=missing, **limits))
    codes = code_map(fine, coarse, {"x": "float64"})
    assert codes is not None
    ours, theirs = record_reader(fine.code), record_reader(coarse.code)
    for value in [*edges, *(edge + 0.5 for edge in edges), -1e9, 1e9, None, float("inf")]:
        assert codes[ours({"x": value})] == theirs({"x": value})  # type: ignore[index]


def test_a_map_exists_only_where_no_fine_code_is_divided() -> None:
    fine = compiled(numeric("x", edges=[1, 3], missing="own_level"))
    assert code_map(fine, compiled(numeric("x", edges=[2], missing="base")), {"x": "float64"}) is None
    assert code_map(fine, compiled(numeric("y", "y", edges=[1], missing="base")), {"x": "float64"}) is None
    towns = compiled(
        categorical("t", levels=["a", {"level": "rest", "values": ["b", "c"]}], missing="own_level", unseen="own_level")
    )
    divided = compiled(categorical("t", levels=["a", "b"], missing="own_level", unseen="base"))
    assert code_map(towns, divided, {"t": "text"}) is None


def test_a_value_no_row_has_may_be_named_by_a_factor() -> None:
    fine = compiled(categorical("t", levels=["a", "b"], missing="own_level", unseen="own_level"))
    named = compiled(categorical("t", levels=["a", "b", "z"], missing="base", unseen="base"))
    assert code_map(fine, named, {"t": "text"}) is None
    codes = code_map(fine, named, {"t": "text"}, complete=True)
    assert codes is not None
    assert codes[:2].tolist() == [0, 1]


def compiled(spec: object) -> CompiledFactor:
    one = compile_factor(spec)  # type: ignore[arg-type]
    assert isinstance(one, CompiledFactor)
    return one
