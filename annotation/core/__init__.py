"""Arithmetic on regions, answers and sounds: plain Python and NumPy, no Django, and nothing of annotation outside this folder."""
