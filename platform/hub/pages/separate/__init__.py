"""Separate a song: somebody sends one, a checkpoint of the campaign separates it, and they alone hear what came of it."""
