"""What environment variables say, each read once and refused loudly when wrong; what they mean stands in `hub.settings`."""

import os
import re
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from hub import postgres
from hub.home import private_folder

env = environ.Env()


def flag(name: str) -> bool:
    value = os.environ.get(name, "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; it may be 0 or 1.")
    return value == "1"


def database(home: Path) -> dict[str, Any]:
    if not (url := os.environ.get("DATABASE_URL")):
        address = postgres.address(home)
        return {"ENGINE": "django.db.backends.postgresql", "NAME": address["dbname"], "USER": address["user"], "HOST": address["host"]}
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// (Unbleed runs on PostgreSQL only).")
    database: dict[str, Any] = dict(env.db_url_config(url))
    if not database.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL names no database; it should end in /name.")
    return database


def secret_key(home: Path) -> str:
    """From SECRET_KEY, or made once and kept; every process of one data folder reads the same."""
    if (given := os.environ.get("SECRET_KEY")) is not None:
        if len(given) < 50 or len(set(given)) < 10 or given.startswith("django-insecure"):
            raise ImproperlyConfigured(
                "SECRET_KEY is short or well known; give at least 50 random signs, or leave it unset to have one made."
            )
        return given
    kept = private_folder(home / "secrets") / "secret_key"
    if not kept.exists():
        fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64))
        try:
            os.link(fresh, kept)  # unlike a rename, leaves the key of a process that was quicker
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if kept.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{kept} can be read by others; run: chmod 600 '{kept}'")
    if len(key := kept.read_text().strip()) < 50:
        raise ImproperlyConfigured(f"{kept} is damaged; delete it and a new key is made (everybody has to sign in again).")
    return key


def hosts() -> list[str]:
    hosts = [host.strip() for host in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if host.strip()]
    if not hosts or "*" in hosts:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's hosts, by commas, for example unbleed.example.org (and never *).")
    return hosts


def trusted_proxies(default: str) -> list[str]:
    proxies = [proxy.strip() for proxy in os.environ.get("TRUSTED_PROXIES", default).split(",") if proxy.strip()]
    for proxy in proxies:
        try:
            if ip_network(proxy).prefixlen == 0:
                raise ValueError(f"{proxy!r} is everybody")
        except ValueError as error:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES is wrong: {error}; it may hold addresses or networks, by commas, for example 127.0.0.1,10.1.0.0/24."
            ) from None
    return proxies


def prefix() -> str:
    prefix = os.environ.get("UNBLEED_PREFIX", "")
    if not re.fullmatch(r"(/[\w~-][\w.~-]*)*", prefix, re.ASCII):
        raise ImproperlyConfigured(
            f"UNBLEED_PREFIX is {prefix!r}; it may be a path like /unbleed or /audio/unbleed, of letters, digits and -._~, "
            "which begins with a slash and ends without one."
        )
    return prefix


def server_folders() -> list[Path]:
    folders = [Path(folder) for folder in os.environ.get("UNBLEED_SERVER_FOLDERS", "").split(os.pathsep) if folder]
    for folder in folders:
        if not folder.is_absolute() or folder.resolve() == Path("/"):
            raise ImproperlyConfigured(f"UNBLEED_SERVER_FOLDERS names {str(folder)!r}; each must be a path from / on, and not / itself.")
    return folders


def outgoing_hosts() -> list[str]:
    hosts = [host.strip().lower() for host in os.environ.get("OUTGOING_HOSTS", "").split(",") if host.strip()]
    for host in hosts:
        if not re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(:\d{1,5})?", host):
            raise ImproperlyConfigured(
                f"OUTGOING_HOSTS names {host!r}; each must be a host, or one with its port, for example hooks.lab.example or 10.1.2.3:8080."
            )
    return hosts


def broker_url() -> str | None:
    url = os.environ.get("BROKER_URL") or None
    if url and not url.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
        raise ImproperlyConfigured("BROKER_URL must begin with redis:// or amqp://; leave it unset to keep jobs in the database.")
    return url


def email() -> dict[str, Any]:
    """Django's EMAIL_… settings."""
    url = os.environ.get("EMAIL_URL") or "consolemail://"
    if not url.startswith(("smtp://", "smtp+tls://", "smtps://", "consolemail://")):
        raise ImproperlyConfigured("EMAIL_URL must begin with smtp://, smtp+tls:// or smtps://; leave it unset to have e-mail printed.")
    given: dict[str, Any] = env.email_url_config(url)
    if url.startswith("smtps://"):
        given |= {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}
    usual = {"smtp": 25, "smtp+tls": 587, "smtps": 465}.get(url.partition("://")[0])
    return {name: value or "" for name, value in given.items()} | {"EMAIL_PORT": given["EMAIL_PORT"] or usual, "EMAIL_TIMEOUT": 10}


def whole_number(name: str, default: int, lowest: int, highest: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        raise ImproperlyConfigured(f"{name} is {value!r}; it may be a whole number from {lowest} to {highest}.")
    return int(value)


def one_of(name: str, *choices: str) -> str:
    """The first of `choices` where nothing is said."""
    value = os.environ.get(name) or choices[0]
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it may be {', '.join(choices[:-1])} or {choices[-1]}.")
    return value


def origin(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not re.fullmatch(r"[\w.:\[\]-]+", parts.netloc, re.ASCII):
        raise ImproperlyConfigured(f"{name} is {url!r}; it should be an address like https://login.example.org.")
    return f"{parts.scheme}://{parts.netloc}"


def provider() -> dict[str, Any] | None:
    """The provider that people may sign in by, as allauth wants it."""
    if not (url := os.environ.get("OIDC_URL")):
        return None
    host = urlsplit(origin("OIDC_URL", url)).netloc
    client, secret = os.environ.get("OIDC_CLIENT_ID"), os.environ.get("OIDC_CLIENT_SECRET")
    if not client or not secret:
        raise ImproperlyConfigured("OIDC_URL needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, as the provider has given them.")
    name = os.environ.get("OIDC_NAME") or host
    return {"provider_id": "provider", "name": name, "client_id": client, "secret": secret, "settings": {"server_url": url.rstrip("/")}}
