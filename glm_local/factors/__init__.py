"""What a factor means: specifications, their rules, learning from rows, and compiling to expressions."""
