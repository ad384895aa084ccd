"""A block as bytes: the one binary cell Spark keeps, written compactly and read back without copying codes.

Layout: a header of eight little-endian 64-bit integers (magic, rows, atoms, numerics, encoding of amount, of weight, of
offset, spare), one encoding per numeric, `log_scale`, `faults`, then the arrays, each starting at a multiple of
eight. Encodings: 0 absent, 1 whole numbers 0 to 255 as uint8, 2 float32 where that is exact, 3 float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import EngineError
from glm_local.rows.blocks import FAULTS, LOG_SUMS, Block, BlockDesign, Sums

MAGIC = 0x32304B4C42474C47
HEADER = 8
ENCODINGS: tuple[np.dtype[np.generic] | None, ...] = (
    None,
    np.dtype(np.uint8),
    np.dtype(np.float32),
    np.dtype(np.float64),
)

Numbers = NDArray[np.generic]


def block_to_bytes(block: Block) -> bytes:
    """Write a block; numbers take 1, 4 or 8 bytes, whichever is the least that is exact."""
    amounts = [_compact(one) for one in (block.amount, block.weight, block.offset)]
    numerics = [_compact(one) for one in block.numerics]
    counts = [MAGIC, block.rows, len(block.atoms), len(numerics), *(code for code, _ in amounts), 0]
    header = np.array([*counts, *(code for code, _ in numerics)], dtype="<i8")
    pieces = [header, np.asarray(block.log_scale, "<f8"), np.asarray(block.faults, "<f8"), *block.atoms]
    pieces += [array for _, array in (*numerics, *amounts) if array is not None]
    return b"".join(_padded(piece) for piece in pieces)


def block_from_bytes(design: BlockDesign, data: bytes | memoryview) -> Block:
    """Read a block back; codes are views of `data`, numbers float64.

    Raises
    ------
    EngineError
        The bytes are not a block of this design.
    """
    head = np.frombuffer(data, "<i8", HEADER) if len(data) >= 8 * HEADER else np.zeros(HEADER, np.int64)
    rows, atoms, numerics = (int(n) for n in head[1:4])
    if head[0] != MAGIC or atoms != len(design.atoms) or numerics != len(design.numerics):
        raise EngineError.because(
            "Bytes that are no block of this design.",
            "Blocks are read with the design they were packed for.",
            "Build the blocks again.",
        )
    reader = _Reader(data, 8 * HEADER)
    encodings = reader.take(np.dtype("<i8"), numerics)
    log_scale = reader.take(np.dtype("<f8"), LOG_SUMS).astype(np.float64)
    faults = reader.take(np.dtype("<f8"), len(FAULTS)).astype(np.float64)
    codes: tuple[Any, ...] = tuple(reader.take(atom.dtype, rows) for atom in design.atoms)
    columns = np.empty((numerics, rows))
    for i, code in enumerate(encodings):
        columns[i] = reader.number(int(code), rows)
    amount, weight, offset = (reader.number(int(code), rows) for code in head[4:7])
    assert amount is not None
    return Block(codes, columns, amount, weight, offset, log_scale, faults)


def sums_to_bytes(sums: Sums) -> bytes:
    """Write a kernel's sums: how many, then dimensions, shape and float64 values of each."""
    shapes = [length for array in sums for length in (array.ndim, *array.shape)]
    header = np.array([len(sums), *shapes], dtype="<i8")
    return header.tobytes() + b"".join(np.asarray(array, dtype="<f8").tobytes() for array in sums)


def sums_from_bytes(data: bytes | memoryview) -> Sums:
    """Read a kernel's sums back, as arrays that can be added to.

    Examples
    --------
    >>> sums_from_bytes(sums_to_bytes([np.array([[1.0, 2.0]])]))
    [array([[1., 2.]])]
    """
    header = np.frombuffer(data, "<i8", len(data) // 8)
    at = 1
    shapes: list[tuple[int, ...]] = []
    for _ in range(int(header[0])):
        dimensions = int(header[at])
        shapes.append(tuple(int(n) for n in header[at + 1 : at + 1 + dimensions]))
        at += 1 + dimensions
    values = np.frombuffer(data, "<f8", offset=8 * at)
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape).copy() for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=False)]


def _compact(numbers: NDArray[np.float64] | None) -> tuple[int, Numbers | None]:
    if numbers is None:
        return 0, None
    with np.errstate(over="ignore", invalid="ignore"):
        if _probably(numbers, np.uint8):
            small = numbers.astype(np.uint8)
            if np.array_equal(small, numbers) and not np.signbit(numbers).any():
                return 1, small
        if _probably(numbers, np.float32):
            half = numbers.astype(np.float32)
            if np.array_equal(half, numbers):
                return 2, half
    return 3, np.ascontiguousarray(numbers, dtype="<f8")


def _probably(numbers: NDArray[np.float64], narrow: type[np.generic]) -> bool:
    # A look at some rows spares most columns the conversion of all of them.
    some = numbers[:64]
    return bool(np.array_equal(some.astype(narrow), some))


def _padded(array: NDArray[np.generic]) -> bytes:
    data = array.tobytes()
    return data + b"\0" * (-len(data) % 8)


class _Reader:
    """Reads arrays one after the other, each from the next multiple of eight."""

    def __init__(self, data: bytes | memoryview, at: int) -> None:
        self._data, self._at = data, at

    def take(self, dtype: np.dtype[np.generic], count: int) -> Numbers:
        array = np.frombuffer(self._data, dtype, count, self._at)
        self._at += -(-array.nbytes // 8) * 8
        return array

    def number(self, code: int, rows: int) -> NDArray[np.float64] | None:
        dtype = ENCODINGS[code]
        return None if dtype is None else self.take(dtype, rows).astype(np.float64, copy=False)
