"""Tokens: what a program shows in place of its owner's sign-in."""
