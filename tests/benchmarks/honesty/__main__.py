"""`python -m tests.benchmarks.honesty`: a line of docs/honesty.md per family and number of rows.

The rule before: ``--before`` (bins by one standard error, kept by the test of the searched bins).
"""

from __future__ import annotations

import argparse
from typing import Any

from glm_local.binning.rules import BinningRules
from tests.benchmarks.honesty.kept import kept
from tests.benchmarks.honesty.known_truth import FAMILIES

BEFORE: dict[str, Any] = {"keep": "likelihood_ratio", "rules": BinningRules(size="one_standard_error", min_evidence=0)}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000])
    parser.add_argument("--true", type=int, nargs="+", default=[0, 5])
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=["poisson"])
    parser.add_argument("--size", type=float, default=0.25)
    parser.add_argument("--before", action="store_true")
    asked = parser.parse_args()
    print("| family | rows | true | studies | noise each | studies with noise | power | printed | expected | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for family in asked.family:
        for rows in asked.rows:
            for true in asked.true:
                rule = BEFORE if asked.before else {}
                one = kept(asked.studies, rows, true, family=family, size=asked.size, **rule)
                print(
                    f"| {family} | {rows:,} | {true} of 20 | {one.studies} | {one.noise_each:.4f} | {one.noise_any:.2f} "
                    f"| {one.power:.3f} | {one.printed:.1f} | {one.expected:.1f} ± {one.error:.1f} | {one.seconds:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
