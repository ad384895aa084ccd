"""Engines as a contract: cells, passes, quantiles, blocks and packed keys."""
