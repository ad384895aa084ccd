"""Screening: which candidates, and which pairs of factors, still say something the current model does not."""
