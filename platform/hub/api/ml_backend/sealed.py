"""What is kept so that a copy of the database alone does not tell it: encrypted with a key that is made of the site's secret key."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from annotation.core.errors import DomainError

PURPOSE = b"hub.api.ml_backend.sealed"


class AnotherKey(DomainError):
    """The access token was encrypted with another SECRET_KEY than the site has now: enter it again."""

    status = HTTPStatus.CONFLICT


def seal(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def opened(sealed: str) -> str:
    """What was sealed. Raises `AnotherKey`."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise AnotherKey from None


def _fernet() -> Fernet:
    key = hashlib.sha256(PURPOSE + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
