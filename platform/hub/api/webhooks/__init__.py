"""Webhooks: what happens in a campaign, told to a lab's own server as it happens."""
