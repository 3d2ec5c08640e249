"""Data of a campaign as files for other tools. Workers and the command `export` call it; it needs no torch."""
