"""Pages of campaigns: how the loop stands, what came of each round, and the buttons of those who steer it."""
