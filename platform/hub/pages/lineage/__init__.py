"""Where a checkpoint comes from and what came of it: a picture, and the very marks that it learned from."""
