"""Managers' pages of listening tests: two checkpoints heard blind."""
