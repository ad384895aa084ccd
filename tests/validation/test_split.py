"""Splits and folds: by hash of a key, by time, stratified, by a column."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import ConfigError, DataError, SpecError
from glm_local.expressions.columns import ColumnKind
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.sql.statement import print_sql
from glm_local.validation import Split, fold_expression, learn_split, read_split, split_counts, split_json

ENGINE = PandasEngine()
ROWS = 20_000


@pytest.fixture(scope="module")
def policies() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "policy": np.arange(ROWS),
            "holder": draw.integers(0, 4_000, ROWS),
            "code": [f"P-{i:05d}" for i in range(ROWS)],
            "region": draw.choice(["north", "south", "east", "islands"], ROWS, p=[0.6, 0.3, 0.099, 0.001]),
            "year": draw.integers(2015, 2025, ROWS),
            "start": pd.to_datetime("2020-01-01") + pd.to_timedelta(draw.integers(0, 700, ROWS), unit="h"),
            "amount": draw.random(ROWS),
        }
    )


def samples(split: Split, frame: pd.DataFrame) -> pd.Series:
    ready = learn_split(ENGINE, frame, split)
    scored = ENGINE.with_columns(frame, {"sample": ready.sample(ENGINE.columns(frame))})
    return scored["sample"]


def shares(column: pd.Series) -> dict[str, float]:
    return column.value_counts(normalize=True).to_dict()


def problem_paths(document: dict[str, object]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_split(document)
    return [problem.path for problem in caught.value.problems]


def test_a_hash_split_has_its_fractions_up_to_chance(policies: pd.DataFrame) -> None:
    found = shares(samples(read_split({"method": "hash", "key": "policy"}), policies))
    assert found == pytest.approx({"train": 0.6, "validation": 0.2, "holdout": 0.2}, abs=0.01)


def test_a_row_keeps_its_sample_whatever_the_order_or_company_of_rows(policies: pd.DataFrame) -> None:
    split = read_split({"method": "hash", "key": ["policy"], "seed": 3})
    whole = samples(split, policies)
    shuffled = policies.sample(frac=1, random_state=1)
    assert samples(split, shuffled).loc[policies.index].equals(whole)
    assert samples(split, policies.iloc[5_000:5_050]).equals(whole.iloc[5_000:5_050])


def test_rows_of_one_group_stay_together(policies: pd.DataFrame) -> None:
    sample = samples(read_split({"method": "hash", "key": "holder"}), policies)
    assert sample.groupby(policies["holder"]).nunique().max() == 1
    assert shares(sample)["train"] == pytest.approx(0.6, abs=0.03)


def test_seed_zero_is_a_seed_of_its_own_and_not_forty_two(policies: pd.DataFrame) -> None:
    zero, other = (samples(read_split({"key": "policy", "seed": seed}), policies) for seed in (0, 42))
    agreement = float((zero == other).mean())
    assert agreement == pytest.approx(0.6**2 + 2 * 0.2**2, abs=0.02)


def test_a_seed_that_is_no_integer_is_refused() -> None:
    for seed in (None, True, 1.5, "1"):
        assert problem_paths({"key": "policy", "seed": seed}) == ["/split/seed"]


def test_without_a_key_there_is_no_hash_split() -> None:
    with pytest.raises(SpecError, match="the order of rows is no key") as caught:
        read_split({"method": "hash"})
    assert "Name the column" in str(caught.value)


def test_a_fraction_outside_zero_and_one_is_named() -> None:
    document = {"key": "policy", "fractions": {"train": 1.5, "validation": -0.5, "holdout": 0}}
    assert problem_paths(document) == ["/split/fractions/train", "/split/fractions/validation"]


def test_fractions_must_add_up_to_one() -> None:
    assert problem_paths({"key": "policy", "fractions": [0.6, 0.2, 0.1]}) == ["/split/fractions"]
    assert problem_paths({"key": "policy", "fractions": [0.6, 0.2, 0.2 + 2e-9]}) == ["/split/fractions"]
    assert read_split({"key": "policy", "fractions": [0.7, 0.2, 0.1]}).fractions == (0.7, 0.2, 0.1)


def test_every_problem_of_a_split_comes_at_once() -> None:
    document = {"method": "stratified", "fractions": [1, 1, 1], "seed": "x", "strat": ["region"]}
    found = problem_paths(document)
    assert sorted(found) == ["/split/fractions", "/split/key", "/split/seed", "/split/strat", "/split/strata"]


def test_an_unknown_method_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="Nearest: 'stratified'"):
        read_split({"method": "stratifed", "key": "policy"})


def test_an_empty_part_gets_no_row(policies: pd.DataFrame) -> None:
    for fractions, expected in (([0.7, 0, 0.3], {"train", "holdout"}), ([1, 0, 0], {"train"}), ([0.8, 0.2, 0], None)):
        found = set(samples(read_split({"key": "policy", "fractions": fractions}), policies).unique())
        assert found == (expected or {"train", "validation"})


@pytest.mark.parametrize("key", [["key"], ["key", "part"], ["key", "part", "day"]])
@pytest.mark.parametrize("method", ["hash", "stratified"])
def test_null_is_a_key_value_like_any_other(key: list[str], method: str) -> None:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "key": draw.choice(np.array(["a", "b", "c", None], dtype=object), 4_000),
            "part": np.arange(4_000) // 3,
            "day": draw.choice(np.array(["x", None], dtype=object), 4_000),
            "area": "north",
        }
    )
    asked = {"method": method, "key": key} | ({"strata": ["area"]} if method == "stratified" else {})
    split = learn_split(ENGINE, frame, read_split(asked))
    found = samples(split, frame)
    assert not found.isna().any()
    assert found.groupby([frame[name].fillna("none") for name in key]).nunique().max() == 1
    counts = split_counts(ENGINE, frame, split)
    assert counts["rows"].sum() == 4_000
    assert not counts["sample"].isna().any()


def test_the_sql_of_a_key_grows_as_square_of_its_columns_at_most() -> None:
    def printed(parts: int) -> int:
        columns: dict[str, ColumnKind] = {f"c{at}": "text" for at in range(parts)}
        return len(print_sql(read_split({"key": list(columns)}).sample(columns), columns))

    assert printed(12) < 40 * printed(2)
    assert printed(12) < 4.5 * printed(6)


def test_a_fractional_column_is_no_key(policies: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no one spelling"):
        samples(read_split({"key": "amount"}), policies)


def test_a_key_that_is_not_there_is_named_with_the_nearest(policies: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="Nearest: 'policy'"):
        samples(read_split({"key": "polcy"}), policies)


def test_two_key_columns_are_one_key_and_their_order_counts(policies: pd.DataFrame) -> None:
    both = samples(read_split({"key": ["holder", "year"]}), policies)
    assert shares(both) == pytest.approx({"train": 0.6, "validation": 0.2, "holdout": 0.2}, abs=0.02)
    assert both.groupby([policies["holder"], policies["year"]]).nunique().max() == 1
    assert both.groupby(policies["holder"]).nunique().max() > 1
    swapped = samples(read_split({"key": ["year", "holder"]}), policies)
    assert float((both == swapped).mean()) < 0.6


def test_rows_of_equal_time_never_straddle_a_cut(policies: pd.DataFrame) -> None:
    split = learn_split(ENGINE, policies, read_split({"method": "time", "column": "year"}))
    sample = samples(split, policies)
    assert sample.groupby(policies["year"]).nunique().max() == 1
    assert policies["year"][sample == "train"].max() < policies["year"][sample == "validation"].min()
    assert policies["year"][sample == "validation"].max() < policies["year"][sample == "holdout"].min()
    assert shares(sample)["train"] == pytest.approx(0.6, abs=0.05)


def test_a_timestamp_is_cut_by_its_day(policies: pd.DataFrame) -> None:
    split = learn_split(ENGINE, policies, read_split({"method": "time", "column": "start"}))
    sample = samples(split, policies)
    assert split.learned is not None
    assert split.learned.cut_points[0] == "2020-01-18"
    assert sample.groupby(policies["start"].dt.date).nunique().max() == 1


def test_given_cut_points_need_no_pass_over_rows(policies: pd.DataFrame) -> None:
    split = read_split({"method": "time", "column": "start", "cut_points": ["2020-01-10", "2020-01-20"]})
    engine = PandasEngine()
    assert learn_split(engine, policies, split) is split
    assert engine.passes.raw == 0
    days = policies["start"].dt.normalize()
    expected = np.where(days <= "2020-01-10", "train", np.where(days <= "2020-01-20", "validation", "holdout"))
    assert samples(split, policies).tolist() == expected.tolist()


def test_one_time_for_most_rows_leaves_no_validation_and_is_refused() -> None:
    frame = pd.DataFrame({"year": [2020] * 90 + [2021] * 10})
    with pytest.raises(DataError, match="Rows with equal time stay together"):
        learn_split(ENGINE, frame, read_split({"method": "time", "column": "year"}))


def test_a_row_without_time_is_in_no_sample() -> None:
    frame = pd.DataFrame({"t": [1.0, 2.0, np.nan, 3.0, 4.0, 5.0]})
    assert pd.isna(samples(read_split({"method": "time", "column": "t", "cut_points": [2, 4]}), frame).iloc[2])


def test_every_stratum_gets_its_fractions_to_the_row(policies: pd.DataFrame) -> None:
    split = read_split({"method": "stratified", "key": "policy", "strata": ["region"], "seed": 5})
    sample = samples(split, policies)
    counts = pd.crosstab(policies["region"], sample)
    sizes = counts.sum(axis=1)
    for name, fraction in zip(("train", "validation", "holdout"), split.fractions, strict=True):
        # One row by rounding, and the rows that share the bucket at the bound (10,000 buckets).
        assert (abs(counts[name] - fraction * sizes) <= 2 + 2 * np.ceil(sizes / 5_000)).all()


def test_small_strata_do_not_all_round_the_same_way() -> None:
    frame = pd.DataFrame({"key": range(3_000), "stratum": [f"s{i // 2}" for i in range(3_000)]})
    sample = samples(read_split({"method": "stratified", "key": "key", "strata": ["stratum"]}), frame)
    assert shares(sample) == pytest.approx({"train": 0.6, "validation": 0.2, "holdout": 0.2}, abs=0.03)


def test_a_stratified_split_does_not_depend_on_the_order_of_rows(policies: pd.DataFrame) -> None:
    split = read_split({"method": "stratified", "key": "code", "strata": ["region", "year"]})
    shuffled = policies.sample(frac=1, random_state=2)
    assert samples(split, shuffled).loc[policies.index].equals(samples(split, policies))


def test_a_stratum_unknown_to_the_learned_split_is_divided_by_the_plain_fractions(policies: pd.DataFrame) -> None:
    split = learn_split(ENGINE, policies, read_split({"method": "stratified", "key": "policy", "strata": ["region"]}))
    later = policies.assign(region="new")
    assert shares(samples(split, later))["train"] == pytest.approx(0.6, abs=0.02)


def test_learning_a_split_takes_one_pass(policies: pd.DataFrame) -> None:
    for document in (
        {"method": "stratified", "key": "policy", "strata": "region"},
        {"method": "time", "column": "year"},
    ):
        engine = PandasEngine()
        learn_split(engine, policies, read_split(document))
        assert engine.passes.raw == 1


def test_an_unlearned_split_says_what_to_call(policies: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="learn_split"):
        read_split({"method": "time", "column": "year"}).sample(ENGINE.columns(policies))


def test_a_column_says_the_sample() -> None:
    frame = pd.DataFrame({"learn": [True, False, None]}, dtype="boolean")
    split = read_split({"method": "column", "column": "learn", "values": {"train": [True], "holdout": [False]}})
    found = samples(split, frame)
    assert found.iloc[:2].tolist() == ["train", "holdout"]
    assert pd.isna(found.iloc[2])


def test_a_value_cannot_mean_two_samples() -> None:
    document = {"method": "column", "column": "part", "values": {"train": ["L"], "holdout": ["L"], "test": ["T"]}}
    assert problem_paths(document) == ["/split/values/test", "/split/values"]


@pytest.mark.parametrize(
    "document",
    [
        {
            "method": "hash",
            "key": ["policy"],
            "seed": 9,
            "fractions": {"train": 0.5, "validation": 0.25, "holdout": 0.25},
        },
        {"method": "time", "column": "start"},
        {"method": "time", "column": "year", "cut_points": [2019, 2022]},
        {"method": "stratified", "key": ["policy"], "strata": ["region", "year"], "seed": 1},
        {"method": "column", "column": "region", "values": {"train": ["north"], "holdout": ["south", "east"]}},
    ],
)
def test_a_split_comes_back_from_its_json(document: dict[str, object], policies: pd.DataFrame) -> None:
    split = learn_split(ENGINE, policies, read_split(document))
    again = read_split(json.loads(json.dumps(split_json(split))))
    assert again == split
    assert samples(again, policies).equals(samples(split, policies))


def test_folds_are_even_and_independent_of_the_split(policies: pd.DataFrame) -> None:
    columns = ENGINE.columns(policies)
    added = {
        "fold": fold_expression("policy", columns, folds=4, seed=0),
        "sample": read_split({"key": "policy", "seed": 0}).sample(columns),
    }
    scored = ENGINE.with_columns(policies, added)
    table = pd.crosstab(scored["sample"], scored["fold"], normalize="index")
    assert sorted(table.columns) == [0, 1, 2, 3]
    assert abs(table - 0.25).to_numpy().max() < 0.025


def test_folds_keep_groups_together(policies: pd.DataFrame) -> None:
    fold = fold_expression(["holder"], ENGINE.columns(policies), folds=3)
    scored = ENGINE.with_columns(policies, {"fold": fold})
    assert scored.groupby("holder")["fold"].nunique().max() == 1


def test_fewer_than_two_folds_are_refused(policies: pd.DataFrame) -> None:
    for folds, said in ((1, "2 folds or more"), (0, "2 folds or more"), (True, "a whole number")):
        with pytest.raises(ConfigError, match=said):
            fold_expression("policy", ENGINE.columns(policies), folds=folds)
