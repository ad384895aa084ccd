"""Suites that engines and stores inherit: what each must do."""
