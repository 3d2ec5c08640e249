"""What an operator may set is read once, and what is wrong is said in one line that names it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.home import ROOT


def read(home: Path, *names: str, **environment: str) -> str:
    """The settings of these names as a fresh process of ours sees them, or the line with which it gives up."""
    code = f"from django.conf import settings; print(*[getattr(settings, name) for name in {names!r}], sep='|')"
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "version"] if not names else [sys.executable, "-c", code],
        env=os.environ | {"UNBLEED_HOME": str(home), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return (done.stdout + done.stderr).strip()


def test_a_secret_key_is_made_once_and_kept_for_this_user_alone(tmp_path: Path) -> None:
    first = read(tmp_path, "SECRET_KEY")
    assert len(first) > 50
    assert read(tmp_path, "SECRET_KEY") == first
    assert stat.S_IMODE((tmp_path / "secrets" / "secret_key").stat().st_mode) == 0o600
    assert read(tmp_path / "another home", "SECRET_KEY") != first


def test_a_secret_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    read(tmp_path, "SECRET_KEY")
    (tmp_path / "secrets" / "secret_key").chmod(0o644)
    assert "chmod 600" in read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is short"),
        ("SECRET_KEY", "", "SECRET_KEY is short"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is short or well known"),
        ("SECRET_KEY", "django-insecure-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2, "SECRET_KEY is short or well known"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "DATABASE_URL must begin with postgres://"),
        ("DATABASE_URL", "postgres://me@host", "DATABASE_URL names no database"),
        ("UNBLEED_SERVER_FOLDERS", "/srv/music:music", "UNBLEED_SERVER_FOLDERS names 'music'"),
        ("UNBLEED_SERVER_FOLDERS", "/", "UNBLEED_SERVER_FOLDERS names '/'"),
        ("OUTGOING_HOSTS", "https://hooks.lab", "OUTGOING_HOSTS names 'https://hooks.lab'"),
        ("BROKER_URL", "http://queue", "BROKER_URL must begin with redis:// or amqp://"),
        ("EMAIL_URL", "mail.lab", "EMAIL_URL must begin with smtp://, smtp+tls:// or smtps://"),
        ("OIDC_URL", "login.example.org", "OIDC_URL is 'login.example.org'; it should be an address like https://login.example.org"),
        ("OIDC_URL", "https://login.example.org", "OIDC_URL needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ("OIDC_ORIGINS", "https://a.example; script-src *", "OIDC_ORIGINS is 'https://a.example; script-src *'"),
        ("SECOND_FACTOR_FOR", "everybody", "SECOND_FACTOR_FOR is 'everybody'; it may be nobody, admins or managers"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name"),
        ("WEB_THREADS", "many", "WEB_THREADS is 'many'; it may be a whole number from 1 to 1000"),
        ("PREVIEW_DAYS", "-1", "PREVIEW_DAYS is '-1'; it may be a whole number from 0 to 36500"),
        ("ESTIMATE_DAYS", "1.5", "ESTIMATE_DAYS is '1.5'; it may be a whole number from 0 to 36500"),
        ("REFUSED_CHECKPOINT_DAYS", "never", "REFUSED_CHECKPOINT_DAYS is 'never'; it may be a whole number from 0 to 36500"),
        ("UNBLEED_PREFIX", "unbleed", "UNBLEED_PREFIX is 'unbleed'; it may be a path like /unbleed"),
        ("UNBLEED_PREFIX", "/unbleed/", "UNBLEED_PREFIX is '/unbleed/'; it may be a path like /unbleed"),
        ("UNBLEED_PREFIX", "/a/../b", "UNBLEED_PREFIX is '/a/../b'; it may be a path like /unbleed"),
        ("UNBLEED_HTTPS", "yes", "UNBLEED_HTTPS is 'yes'; it may be 0 or 1"),
        ("TRUSTED_PROXIES", "*", "TRUSTED_PROXIES is wrong: '*' does not appear to be an IPv4 or IPv6 network; it may hold addresses"),
        ("TRUSTED_PROXIES", "127.0.0.1,proxy.lab", "TRUSTED_PROXIES is wrong: 'proxy.lab' does not appear to be"),
        ("TRUSTED_PROXIES", "10.1.0.7/24", "TRUSTED_PROXIES is wrong: 10.1.0.7/24 has host bits set; it may hold"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES is wrong: '0.0.0.0/0' is everybody; it may hold"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(tmp_path: Path, name: str, value: str, says: str) -> None:
    said = read(tmp_path, **{name: value})
    assert said.startswith(f"unbleed: {says}") and len(said.splitlines()) == 1


@pytest.mark.parametrize("command", [("up", "--port", "8999"), ("tick", "--once"), ("migrate",)])
def test_a_server_that_cannot_be_reached_is_one_clear_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    environment = {**os.environ, "UNBLEED_HOME": str(tmp_path), "DATABASE_URL": "postgres://me:secret@127.0.0.1:1/songs"}
    run = [sys.executable, str(ROOT / "manage.py"), *command]
    ended = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120)
    said = ended.stderr.strip()
    assert ended.returncode != 0
    assert "DATABASE_URL" in said
    assert "Connection refused" in said
    assert "Traceback" not in said
    assert "secret" not in said


def test_another_server_is_used_where_one_is_given(tmp_path: Path) -> None:
    said = read(tmp_path, "DATABASES", DATABASE_URL="postgres://me:a%40b@db.example.org:6432/songs?sslmode=require")
    for part in ("'NAME': 'songs'", "'USER': 'me'", "'PASSWORD': 'a@b'", "'HOST': 'db.example.org'", "6432", "'sslmode': 'require'"):
        assert part in said


def test_an_operator_says_whether_statements_are_prepared(tmp_path: Path) -> None:
    assert "'prepare_threshold': 2" in read(tmp_path, "DATABASES")
    assert "'prepare_threshold': 7" in read(tmp_path, "DATABASES", DATABASE_URL="postgres://me:a@db.example.org/songs?prepare_threshold=7")


def test_cookies_stay_on_https_where_browsers_use_it(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "CSRF_TRUSTED_ORIGINS")
    assert read(tmp_path, *names) == "False|False|[]"
    secure = read(tmp_path, *names, UNBLEED_HTTPS="1", ALLOWED_HOSTS="unbleed.example.org,.lab.example.org")
    assert secure == "True|True|['https://unbleed.example.org', 'https://*.lab.example.org']"


def test_where_browsers_use_https_they_are_told_to_stay_there(tmp_path: Path) -> None:
    names = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    assert read(tmp_path, *names) == "False|0"
    assert read(tmp_path, *names, UNBLEED_HTTPS="1") == f"True|{30 * 24 * 3600}"


def test_a_proxy_on_this_machine_is_trusted_where_there_has_to_be_one_and_others_where_they_are_named(tmp_path: Path) -> None:
    assert read(tmp_path, "TRUSTED_PROXIES") == "[]"
    assert read(tmp_path, "TRUSTED_PROXIES", UNBLEED_HTTPS="1") == "['127.0.0.1', '::1']"
    assert read(tmp_path, "TRUSTED_PROXIES", UNBLEED_HTTPS="1", TRUSTED_PROXIES="10.1.0.0/24, fd00::2,") == "['10.1.0.0/24', 'fd00::2']"


def test_e_mail_is_printed_until_a_server_for_it_is_named(tmp_path: Path) -> None:
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD", "DEFAULT_FROM_EMAIL")
    assert read(tmp_path, *names).startswith("django.core.mail.backends.console.EmailBackend|")
    sent = read(tmp_path, *names, EMAIL_URL="smtp+tls://me:p%40ss@mail.lab", EMAIL_FROM="songs@lab.example")
    assert sent == "django.core.mail.backends.smtp.EmailBackend|mail.lab|587|True|p@ss|songs@lab.example"
    assert read(tmp_path, "EMAIL_PORT", "EMAIL_USE_SSL", EMAIL_URL="smtps://mail.lab") == "465|True"


def test_pages_may_lead_to_the_provider_that_is_named_and_to_what_it_leads_through(tmp_path: Path) -> None:
    client = {"OIDC_CLIENT_ID": "me", "OIDC_CLIENT_SECRET": "a secret"}
    url = "https://login.example.org:8443/realms/lab/"
    assert read(tmp_path, "OIDC", "OIDC_ORIGINS") == "None|[]"
    origins = read(tmp_path, "OIDC_ORIGINS", OIDC_URL=url, OIDC_ORIGINS="https://mfa.example.org/there", **client)
    assert origins == "['https://login.example.org:8443', 'https://mfa.example.org']"


def test_djangos_own_check_finds_nothing_to_mend_where_browsers_use_https(tmp_path: Path) -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check", "--deploy", "--fail-level", "WARNING"],
        env=os.environ | {"UNBLEED_HOME": str(tmp_path), "UNBLEED_HTTPS": "1", "ALLOWED_HOSTS": "unbleed.example.org"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_a_home_that_cannot_be_made_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "restore", str(tmp_path)],
        env=os.environ | {"UNBLEED_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert str(home) in line and "Make the folder that UNBLEED_HOME names" in line
