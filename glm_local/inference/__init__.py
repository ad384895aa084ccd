"""What a finished fit tells: standard errors by key, thin and credible levels, second opinions."""
