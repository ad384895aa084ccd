"""The model in hand: predictions, files, lines for pages and rows for the audit."""
