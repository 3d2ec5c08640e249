"""Signing in by a provider, by a code of an app, and by a security key, as a browser does it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hub.home import ROOT
from tests.browser.conftest import Watch, need
from tests.codes import code_of
from tests.product import Product

pytestmark = pytest.mark.browser
PASSPHRASE = "a long enough passphrase"
FONTS = "https://fonts.googleapis.com"  # which the provider's pages ask for
KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": False,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site(product: Product, watch: Watch) -> str:
    """Its address by a name: browsers allow security keys for no bare address."""
    watch.home = product.url.replace("127.0.0.1", "localhost")
    return watch.home


@pytest.fixture
def provider(product: Product, site: str) -> Iterator[str]:
    """The provider that the product's settings name."""
    node = shutil.which("node")
    need(bool(node) and (ROOT / "node_modules/oidc-provider").exists(), "no node or no oidc-provider; run: make setup-dev")
    address = product.environment["OIDC_URL"]
    command = [
        str(node),
        str(ROOT / "tests/browser/provider.mjs"),
        str(urlsplit(address).port),
        f"{site}/account/oidc/provider/login/callback/",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout and running.stdout.readline() == "ready\n"
        yield address
        running.kill()


def account(product: Product, name: str) -> None:
    product.shell(f"from hub.accounts.models import User; User.objects.create_user({name!r}, password={PASSPHRASE!r})")


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in", exact=True).click()


def begin(page: Page, what: str) -> None:
    """Press this on the account page, and show the password once more."""
    page.goto("/account/")
    page.get_by_role("link", name=what).click()
    page.get_by_label("Password", exact=True).fill(PASSPHRASE)
    page.get_by_role("button", name="Go on").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in/")


def test_by_a_provider(open_context: Callable[..., BrowserContext], site: str, provider: str, watch: Watch, product: Product) -> None:
    watch.allow(f"request to another host: {provider}/", FONTS)
    page = open_context(base_url=site).new_page()
    page.route(f"{FONTS}/**", lambda route: route.abort())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/sign-in/")
    page.get_by_role("button", name="Continue with Our lab").click()
    page.locator("input[name=login]").fill("olive")
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()  # what the site may know
    expect(page.locator(".user-name")).to_have_text("olive")
    assert any("code_challenge_method=S256" in url for url in asked)
    [(name, email)] = product.sql("SELECT name, email FROM accounts_user WHERE username = 'olive'")
    assert (name, email) == ("olive of the lab", "olive@lab.example")


def test_by_a_code_of_an_app(open_context: Callable[..., BrowserContext], site: str, product: Product) -> None:
    account(product, "toto")
    page = open_context(base_url=site).new_page()
    sign_in(page, "toto")
    begin(page, "Set up an app")
    secret = page.locator("#totp-secret").inner_text()
    page.locator("input[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Switch codes on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    sign_out(page)
    sign_in(page, "toto")
    page.wait_for_url("**/account/second-factor/")
    page.locator("input[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".user-name")).to_have_text("toto")


def test_by_a_security_key(open_context: Callable[..., BrowserContext], site: str, product: Product) -> None:
    account(product, "kay")
    page = open_context(base_url=site).new_page()
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    key = chromium.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]
    sign_in(page, "kay")
    begin(page, "Add a security key")
    page.get_by_role("button", name="Add a security key").click()
    expect(page.locator(".codes li")).to_have_count(10)
    sign_out(page)
    sign_in(page, "kay")
    page.wait_for_url("**/account/second-factor/")
    chromium.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
    page.get_by_role("button", name="Use your security key").click()
    expect(page.locator(".user-name")).to_have_text("kay")
    assert chromium.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]["signCount"] > 1
