"""`make bench-consensus`: how well simulated crowds are understood, by majority, by ours, and by crowd-kit's aggregators."""
