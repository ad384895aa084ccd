"""The language of a row: the expression tree, its types, its JSON, and the numpy and record readers."""
