"""Numbers that must not depend on the order of addition or on the reader: ties, short edges, the normal CDF."""
