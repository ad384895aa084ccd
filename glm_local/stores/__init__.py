"""Stores on this machine: Delta tables through deltalake, and folders of runs."""
