"""Buckets of keys by MD5: the same on every engine and for any partitioning."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def key_digests(purpose: str, seed: int, keys: Sequence[str]) -> NDArray[np.int64]:
    """First 32 bits of the MD5 of each key behind its purpose and seed."""
    prefix, md5 = f"{purpose}|{seed}|".encode(), hashlib.md5
    digests = [md5(prefix + key.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest() for key in keys]
    return np.frombuffer(b"".join(digests), dtype=">u4")[::4].astype(np.int64)


def hash_bucket(key: str, purpose: str, seed: int, buckets: int) -> int:
    """Bucket of one key: the first 32 bits of MD5 of ``purpose|seed|key`` modulo `buckets`.

    Examples
    --------
    >>> hash_bucket("policy 17", "split", 1, 10)
    6
    """
    return int(key_digests(purpose, seed, [key])[0]) % buckets
