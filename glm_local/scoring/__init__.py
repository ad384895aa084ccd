"""A model document as expressions: linear predictor, rate and mean."""
