"""Texts in and out: JSON, paths, cells of spreadsheets, terminals, numbers for people."""
