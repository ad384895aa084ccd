"""The verbs bound to the pandas engine: fits, studies, workflows, tables, jobs on one machine."""
