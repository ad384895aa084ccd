"""One file per kind of factor: its specification, fields, rules, words and expressions."""
