"""What is kept so that a copy of the database alone does not tell it: encrypted with a key that is made of the site's secret key."""

from __future__ import annotations

from http import HTTPStatus

from cryptography.fernet import InvalidToken

from annotation.core.errors import DomainError
from hub.cipher import cipher_for

PURPOSE = "hub.api.ml_backend.sealed"


class AnotherKey(DomainError):
    """The access token was encrypted with another SECRET_KEY than the site has now: enter it again."""

    status = HTTPStatus.CONFLICT


def seal(text: str) -> str:
    return cipher_for(PURPOSE).encrypt(text.encode()).decode()


def opened(sealed: str) -> str:
    """What was sealed. Raises `AnotherKey`."""
    try:
        return cipher_for(PURPOSE).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise AnotherKey from None
