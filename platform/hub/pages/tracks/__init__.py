"""Tracks of a campaign: the list of them, what is said of them, and the page of each."""
