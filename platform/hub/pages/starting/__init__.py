"""What comes before the first round: does the base suit, what is still missing, how many people it takes."""
