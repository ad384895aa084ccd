"""Split and validation: samples by hash, time or stratum; every table of a scored frame from one pass over rows."""

from glm_local.validation.factor_codes import codes_and_labels, level_labels
from glm_local.validation.folds import fold_expression
from glm_local.validation.key_choice import keyed_rows
from glm_local.validation.report_tables import validation_report
from glm_local.validation.score_bands import ScoreBands
from glm_local.validation.split import SAMPLES, LearnedSplit, Split
from glm_local.validation.split_document import read_split, split_json, split_problems
from glm_local.validation.split_learning import learn_split, split_counts
from glm_local.validation.unit_deviance import unit_deviance_expression
from glm_local.validation.validation_report import ValidationReport

__all__ = [
    "SAMPLES",
    "LearnedSplit",
    "ScoreBands",
    "Split",
    "ValidationReport",
    "codes_and_labels",
    "fold_expression",
    "keyed_rows",
    "learn_split",
    "level_labels",
    "read_split",
    "split_counts",
    "split_json",
    "split_problems",
    "unit_deviance_expression",
    "validation_report",
]
