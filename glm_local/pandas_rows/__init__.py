"""The six verbs on pandas, and what counts as a table on one machine."""
