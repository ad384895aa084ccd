"""Families and links: variances, deviances, densities, and where a mean may lie."""
