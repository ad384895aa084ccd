"""Candidates: columns under review, their fine codes, and the study's rows packed once."""
