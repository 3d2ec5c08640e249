"""Unbleed's API by Python.

    from unbleed import Client

    campaign = Client("https://unbleed.example", token="unb_…").campaign("my-campaign")
    for mark in campaign.marks(round=1):
        print(mark["track_name"], mark["start"], mark["end"])
    campaign.figures(use="test").frame()  # a pandas DataFrame

The package needs nothing of the site but its address.
"""

from unbleed.client import Campaign, Client, Problem, Rows

__all__ = ["Campaign", "Client", "Problem", "Rows"]
