"""Where a request comes from: what a proxy in front says of that is believed only from those that TRUSTED_PROXIES names."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = logging.getLogger(__name__)

MOST_NAMED = 100  # addresses that the log names: strangers may send such headers from as many as they have


class Proxies(ProxyHeadersMiddleware):
    """uvicorn's reading of X-Forwarded-For and X-Forwarded-Proto, which says once of each other address that it was not believed.

    The address is the last one in X-Forwarded-For that is no trusted proxy: what stands before it a browser may have made up.
    """

    def __init__(self, inner: Any, trusted: Sequence[str]) -> None:
        super().__init__(inner, list(trusted))
        self._named: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        host = scope["client"][0] if scope.get("client") else "a socket of this machine"
        if host not in self._named and len(self._named) < MOST_NAMED and host not in self.trusted_hosts and _is_passed_on(scope):
            self._named.add(host)
            log.warning(
                "%s says for whom it asks (X-Forwarded-For), and is not believed: TRUSTED_PROXIES does not name it. "
                "If it is your proxy, all who come through it count as one person until it is named there.",
                host,
            )
        await super().__call__(scope, receive, send)


def not_believed(web_log: Path) -> list[str]:
    """The addresses that this log of a web server names so, for `doctor`."""
    try:
        return sorted(set(re.findall(r"WARNING hub\.proxies: (.+?) says for whom", web_log.read_text(errors="replace"))))
    except OSError:
        return []


def _is_passed_on(scope: Any) -> bool:
    return any(name in (b"x-forwarded-for", b"x-forwarded-proto") for name, _ in scope.get("headers", ()))
