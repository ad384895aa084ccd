"""Side-by-side benchmarks: ratios of medians of interleaved runs, each beside its stated target.

Run by ``python -m tests.benchmarks [name ...]``; nothing here is a test, and no test looks at a clock.
"""
