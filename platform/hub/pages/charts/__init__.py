"""Charts: what is drawn, and the same numbers as a table and as a CSV."""
