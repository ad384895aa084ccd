"""The main job: from one configuration file to a fitted, checked, recorded and reported model, on any engine."""
