"""The study: factors designed one decision at a time, with a history that is the truth."""
