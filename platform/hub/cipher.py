"""A cipher for what a copy of the database alone shall not tell: its key is made from the site's secret key."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet
from django.conf import settings


def cipher_for(purpose: str) -> Fernet:
    """One for each purpose, so that what was encrypted for one is worth nothing for another; with another SECRET_KEY neither."""
    return Fernet(urlsafe_b64encode(sha256(f"{purpose}{settings.SECRET_KEY}".encode()).digest()))
