"""Expressions as SQL text: one printer, one file of words per dialect family."""
