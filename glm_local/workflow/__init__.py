"""The study by rule: screened, designed, crossed, finalized, reported; and the shortest ways to a model."""
