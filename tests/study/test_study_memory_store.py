"""The store in memory keeps what every store must keep, and moves whole to a store that lasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from glm_local.audit import history, verify
from glm_local.audit.store import Store
from glm_local.stores.delta_store import open_store
from glm_local.study.memory_store import MemoryStore
from glm_local.testing.store_conformance import StoreConformance, small_run


class TestMemoryStore(StoreConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def store(cls) -> Store:
        return MemoryStore()


def test_a_copy_verifies_goes_on_and_can_be_made_again(tmp_path: Path) -> None:
    memory, disk = MemoryStore(), open_store(tmp_path)
    small_run(memory, "copied", "one")
    head = small_run(memory, "copied", "two").finish()
    for _ in range(2):
        memory.copy_to(disk)
    assert history(disk, "copied") == history(memory, "copied")
    small_run(disk, "copied", "three")
    report = verify(disk, "copied", expected_head=head)
    assert report.ok, str(report)
