"""Doors for programs: tokens, the versioned API, and what others' tools speak. Apps with rows of their own stand in `APPS`."""

APPS = ["hub.api.tokens", "hub.api.v1", "hub.api.ml_backend", "hub.api.webhooks", "hub.api.label_studio.data_manager"]
"""Django's names of them, for the settings."""
