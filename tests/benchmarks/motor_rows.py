"""Motor-like rows of any number, made once and kept as Parquet files of a million rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.benchmarks.motor_design import MADE_LEVELS

ROWS_PER_FILE = 1_000_000
ROWS_PER_GROUP = 100_000
"""Small enough that a single file is read by both cores."""
BRAND_SHARES = [0.25, 0.24, 0.08, 0.06, 0.06, 0.05, 0.2, 0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005]


def motor_rows(rows: int, seed: int) -> pd.DataFrame:
    """Policies with a Poisson claim count; the order of the draws is part of the recipe."""
    draw = np.random.default_rng(seed)
    age = np.clip(draw.gamma(9, 5, rows) + 10, 18, 95).astype("int32")
    vehicle_age = np.minimum(draw.exponential(7, rows), 40).astype("int32")
    bonus = np.clip(50 + draw.exponential(12, rows) * (draw.random(rows) < 0.5), 50, 230).astype("int32")
    density = np.exp(draw.normal(6, 1.8, rows)).astype("int32") + 1
    power = draw.integers(4, 16, rows).astype("int32")
    brand_number = draw.choice(14, rows, p=BRAND_SHARES)
    gas_number = draw.integers(0, 2, rows)
    region_number = draw.choice(22, rows)
    area_number = np.clip((np.log(density) - 2) // 1.5, 0, 5).astype(int)
    exposure = np.clip(draw.beta(0.9, 0.8, rows), 0.003, 1)
    predictor = (
        -2.6
        + 0.02 * (bonus - 50)
        - 0.002 * (age - 45)
        + 0.0008 * (age - 45) ** 2 / 4
        + 0.03 * np.log(density)
        + (vehicle_age < 1) * 0.3
        - 0.01 * vehicle_age
        + 0.05 * (gas_number == 0)
        + (brand_number >= 9) * 0.1
    )
    claims = draw.poisson(np.minimum(np.exp(predictor) * exposure, 20)).astype("int32")
    return pd.DataFrame(
        {
            "ClaimNb": claims,
            "Exposure": exposure,
            "DrivAge": age,
            "VehAge": vehicle_age,
            "BonusMalus": bonus,
            "Density": density,
            "VehPower": power,
            "VehBrand": _named("VehBrand", brand_number),
            "VehGas": _named("VehGas", gas_number),
            "Region": _named("Region", region_number),
            "Area": _named("Area", area_number),
        }
    )


def motor_files(scratch: Path, rows: int) -> list[Path]:
    """Parquet files that hold `rows` made rows, seeds 0, 1, 2, ...; those already there are not made again."""
    scratch.mkdir(parents=True, exist_ok=True)
    sizes = [ROWS_PER_FILE] * (rows // ROWS_PER_FILE) + ([rows % ROWS_PER_FILE] if rows % ROWS_PER_FILE else [])
    return [
        _kept(scratch / f"motor_{size}_{seed}_by_{ROWS_PER_GROUP}.parquet", size, seed)
        for seed, size in enumerate(sizes)
    ]


def motor_frame(scratch: Path, rows: int) -> pd.DataFrame:
    """The same rows in memory."""
    return pd.concat([pd.read_parquet(path) for path in motor_files(scratch, rows)], ignore_index=True)


def _kept(path: Path, rows: int, seed: int) -> Path:
    if not path.exists():
        table = pa.Table.from_pandas(motor_rows(rows, seed), preserve_index=False)
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(table, unfinished, row_group_size=ROWS_PER_GROUP, compression="zstd")
        unfinished.rename(path)
    return path


def _named(column: str, numbers: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.array(MADE_LEVELS[column])[numbers]
