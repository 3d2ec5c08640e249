"""Measurements of the learner by itself, without people, database or web."""
