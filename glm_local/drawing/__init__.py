"""Figures and printed tables: plain series in, SVG and HTML out; no statistics."""
