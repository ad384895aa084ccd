"""Optimal bins: exact dynamic programming over pre-bins, under hard rules, with a proof."""
