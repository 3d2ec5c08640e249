"""The secret of a webhook, and what is signed with it, as Standard Webhooks has it (standardwebhooks.com, symmetric signatures, v1).

Secrets are kept nowhere: each is made of the site's secret key and a random value of the webhook's row, so that neither the database
nor a copy of it gives one away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

from django.utils.crypto import get_random_string, salted_hmac
from django.utils.timezone import now

from hub.api.webhooks.models import Webhook

BEGINS = "whsec_"
BOTH_FOR = timedelta(days=1)  # that a secret that was replaced goes on signing beside the new one


def new_nonce() -> str:
    return get_random_string(32)


def secret_of(webhook: Webhook) -> str:
    """As people copy it: "whsec_" and 32 bytes in Base64."""
    return BEGINS + base64.b64encode(_key(webhook.nonce)).decode()


def headers(webhook: Webhook, key: str, at: int, body: bytes) -> dict[str, str]:
    """What tells a receiver that this body is ours and new; `at` is in seconds since 1970."""
    nonces = [webhook.nonce]
    if webhook.old_nonce and webhook.rotated and webhook.rotated > now() - BOTH_FOR:
        nonces.append(webhook.old_nonce)
    signatures = [signature(_key(nonce), key, at, body) for nonce in nonces]
    return {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def signature(secret: bytes, key: str, at: int, body: bytes) -> str:
    signed = f"{key}.{at}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"


def _key(nonce: str) -> bytes:
    return salted_hmac("hub.api.webhooks", nonce, algorithm="sha256").digest()
