"""Requests to other people's servers, whose addresses come from people: the one way in which the site sends any.

Whoever enters an address must not reach through us what only we can reach (server-side request forgery): the site's own machine, its
network, or the service by which a cloud hands out passwords. A name is looked up once, every address that it has is checked, and the
connection goes to a checked address: a name that leads elsewhere a moment later (DNS rebinding) gains nothing. Redirects are not
followed, proxies of the environment not used. The time for all of it and the bytes of an answer are limited, so a server that hangs
or never ends holds up nobody. What a server says is for whoever asked; errors never repeat it.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from annotation.core.errors import DomainError

USER_AGENT = "Unbleed"
AT_ONCE = 65_536  # bytes
METADATA = frozenset({"168.63.129.16", "fd00:ec2::254", "100.100.100.200"})  # of Azure, AWS and Alibaba; most lie at 169.254.169.254
NOT_SERVERS = [
    # besides those that Python knows, of which each version knows others: for protocols, tunnels to IPv4, translation inside a network
    ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "64:ff9b:1::/48")
]
TRANSLATED = ip_network("64:ff9b::/96")  # IPv6 addresses that a gateway turns into the IPv4 address at their end (RFC 6052)


class Unsent(DomainError):
    """The other server could not be asked."""

    status = HTTPStatus.BAD_REQUEST


class BadAddress(Unsent):
    """An address begins with https:// or http:// and a host, and has no name, password or blank in it."""


class Inside(Unsent):
    """This address leads into the network of this site, where nothing is sent. Who runs the site can allow a host by OUTGOING_HOSTS."""


class Unreached(Unsent):
    """The other server cannot be reached."""


class TooSlow(Unsent):
    """The other server took too long."""


@dataclass(frozen=True)
class Limits:
    seconds: float = 10.0  # for all of it: looking up the name, connecting, sending, and the answer to its last byte
    n_bytes: int = 1_000_000  # of the answer; what comes after is not read


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever its status; `whole` is false where it went on after the limit."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Target:
    """Where an address leads, as it is written."""

    secure: bool
    host: str  # a name, or an address without brackets
    port: int
    path: str  # with the query

    @classmethod
    def of(cls, url: str) -> Target:
        """Raises BadAddress."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError:
            raise BadAddress from None
        readable = re.fullmatch(r"[!-~]*", parts.path + parts.query) and re.fullmatch(r"[\w.:%-]+", host, re.ASCII)
        if parts.scheme not in {"http", "https"} or "@" in parts.netloc or port == 0 or not readable or re.search(r"[\s\\]", url):
            raise BadAddress
        secure = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(secure, host, port or (443 if secure else 80), path)

    @property
    def name(self) -> str:
        """The host as it stands in an address: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def named(self) -> bool:
        """Whether who runs the site allows this host wherever it lies."""
        return bool({self.name, f"{self.name}:{self.port}"} & set(settings.OUTGOING_HOSTS))


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_outside(address: str) -> bool:
    """Whether an IP address lies in the public internet, and is not this machine's own."""
    one = _meant(address)
    special = one.is_multicast or one.is_reserved or any(one in network for network in NOT_SERVERS)
    return one.is_global and not special and not is_metadata(address) and not _is_ours(address)


def is_metadata(address: str) -> bool:
    """Whether an IP address may be that of a cloud's metadata service: reached by nobody, also not by a host that is allowed."""
    return _meant(address).is_link_local or str(_meant(address)) in METADATA


def _meant(address: str) -> IPv4Address | IPv6Address:
    """An address, or the IPv4 address that it stands for."""
    one = ip_address(address.partition("%")[0])
    if isinstance(one, IPv4Address):
        return one
    return one.ipv4_mapped or (IPv4Address(int(one) & 0xFFFFFFFF) if one in TRANSLATED else one)


def _is_ours(address: str) -> bool:
    """Whether what is sent to this address would leave from it; nothing is sent for it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((address, 9))
        except OSError:
            return False  # no way leads there
        return bool(ip_address(asking.getsockname()[0].partition("%")[0]) == ip_address(address.partition("%")[0]))


def check(url: str, *, resolve: Callable[[str, int], list[str]] = resolve, is_outside: Callable[[str], bool] = is_outside) -> None:
    """Say at once what would be said when something is sent; raises BadAddress, Inside or Unreached. Nothing rests on it."""
    _addresses(Target.of(url), time.monotonic() + Limits.seconds, resolve, is_outside)


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits | None = None,
    resolve: Callable[[str, int], list[str]] = resolve,
    is_outside: Callable[[str], bool] = is_outside,
) -> Answer:
    """Ask another server once, and return its answer, also one that is a redirect or an error.

    Raises BadAddress; Inside, with nothing sent; Unreached, also where the certificate is wrong; TooSlow.
    """
    limits, target = limits or Limits(), Target.of(url)
    until = time.monotonic() + limits.seconds
    addresses = _addresses(target, until, resolve, is_outside)
    usual = {"Host": target.name if target.port == (443 if target.secure else 80) else f"{target.name}:{target.port}"}
    asked = {**usual, "User-Agent": USER_AGENT, **(headers or {}), "Connection": "close"}
    try:
        with _connected(target, addresses, until) as connected:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = _InTime(connected, until)
            connection.request(method, target.path, body, asked)
            with connection.getresponse() as response:
                got = response.read(limits.n_bytes + 1)
                if response.length and len(got) <= limits.n_bytes:
                    raise http.client.IncompleteRead(got, response.length)
                return Answer(response.status, dict(response.getheaders()), got[: limits.n_bytes], len(got) <= limits.n_bytes)
    except TimeoutError:
        raise TooSlow(f"{target.name} took longer than {limits.seconds:g} seconds.") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreached(f"{target.name} has no certificate that can be trusted: {error.verify_message}.") from None
    except (OSError, http.client.HTTPException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it does not answer as a web server does"
        raise Unreached(f"{target.name} cannot be reached: {why}.") from None


def _addresses(target: Target, until: float, resolve: Callable[[str, int], list[str]], is_outside: Callable[[str], bool]) -> list[str]:
    """The addresses of a host, if all of them may be reached."""
    found: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):  # no such name
            found.extend(resolve(target.host, target.port))

    # In a thread of its own: what looks names up cannot be told to stop.
    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(max(0.0, until - time.monotonic()))
    if looking.is_alive():
        raise TooSlow(f"The name {target.name} could not be looked up in time.")
    if not found:
        raise Unreached(f"There is no host {target.name}.")
    if any(is_metadata(one) for one in found) or not (target.named or all(is_outside(one) for one in found)):
        raise Inside
    return found


def _connected(target: Target, addresses: list[str], until: float) -> socket.socket:
    """A connection to the first of these addresses that takes it; the certificate must be the host's."""
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            plain = socket.create_connection((address, target.port), timeout=_left(until) / left)
            break
        except OSError:
            if left == 1:
                raise
    if not target.secure:
        return plain
    try:
        plain.settimeout(_left(until))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _InTime(io.RawIOBase):
    """A socket, as far as http.client needs one, that ends at a moment, not after a pause: a byte now and then does not prolong it."""

    def __init__(self, connected: socket.socket, until: float) -> None:
        self.connected, self.until = connected, until

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self.connected.settimeout(_left(self.until))
            rest = rest[self.connected.send(rest[:AT_ONCE]) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.connected.settimeout(_left(self.until))
        return self.connected.recv_into(buffer)

    def close(self) -> None:
        """Http.client closes it before it has read the answer; who has made the connection ends it."""
