"""How a separator learns: from songs, from marks with replay, and which point of it becomes the child."""
