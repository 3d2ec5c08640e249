"""Arithmetic on regions, answers and sounds: plain Python, NumPy and SciPy, no Django, and nothing of annotation outside this folder."""
