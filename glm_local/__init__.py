"""Factor-based generalized linear models on one machine."""
