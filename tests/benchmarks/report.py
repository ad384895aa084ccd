"""Reports as a table on a terminal and as one JSON document."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measurement import Ratio, Report, Target

PACKAGES = ("numpy", "pandas", "pyarrow", "pyspark", "glum", "rustystats")


def printed(report: Report) -> str:
    """Ratios first, with their targets; medians in seconds only below them."""
    lines = [f"\n{report.name}: {report.title}"]
    if report.skipped:
        return "\n".join([*lines, f"  skipped: {report.skipped}"])
    width = max((len(one.name) for one in report.ratios), default=0)
    lines += [_line(one, width) for one in report.ratios]
    for name, found in report.facts.items():
        lines.append(f"  {name}: {_fact(found)}")
    if report.seconds:
        medians = ", ".join(f"{name} {median(taken):.3g}" for name, taken in report.seconds.items())
        lines.append(f"  medians, s: {medians}")
    return "\n".join(lines)


def document(reports: Sequence[Report]) -> dict[str, Any]:
    """Everything measured, with the machine and the packages it was measured on."""
    return {
        "machine": {"processors": cpu_count(), "system": platform.system(), "python": platform.python_version()},
        "packages": {name: _version(name) for name in PACKAGES},
        "benchmarks": [_plain(report) for report in reports],
    }


def write(path: Path, reports: Sequence[Report]) -> None:
    path.write_text(json.dumps(document(reports), indent=1) + "\n", encoding="utf-8")


def _plain(report: Report) -> dict[str, Any]:
    verdicts = {one.name: one.verdict for one in report.ratios if one.target}
    return asdict(report) | {"verdicts": verdicts}


def _line(one: Ratio, width: int) -> str:
    target = f"  {_stated(one.target)}: {one.verdict}" if one.target else ""
    return f"  {one.name:<{width}}  {one.value:8.3f}  [{one.low:.3f} .. {one.high:.3f}]{target}"


def _stated(target: Target) -> str:
    return f"within {target.bound:.0%} of 1" if target.sense == "within" else f"{target.sense} {target.bound:g}"


def _fact(found: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items()) if isinstance(found, dict) else str(found)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
