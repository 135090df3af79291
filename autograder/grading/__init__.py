"""Grading: one submission, a batch, the gradebook, nbgrader's plug-in points."""
