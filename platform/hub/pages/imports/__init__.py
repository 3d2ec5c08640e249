"""Answers from elsewhere: files that a manager brings, what a worker found in them, who is who, and what came of it."""
