"""Debian's chromium on the product itself, as a person would use it.

Every page of these tests is watched: a request to another host, a breach of the content security policy or an error in a
script fails the test. Wait with `until` and not with Playwright's wait_for_function, which the policy forbids.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

from hub.home import ROOT
from tests.browser.annotating import CLIP, Desk
from tests.browser.annotating import until as until
from tests.browser.chromium import PROGRAM, Chromium
from tests.product import Product

expect.set_options(timeout=60_000)  # ms, on machines that do much else meanwhile
EDITOR = ROOT / "annotation/static/annotation/lsf"


def need(there: bool, reason: str) -> None:
    """Skip for want of something, saying so; in CI that is a failure."""
    if there:
        return
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{reason} (in CI browser tests must not be skipped)")
    pytest.skip(reason)


def need_chromium() -> None:
    need(os.access(PROGRAM, os.X_OK), "no chromium here; on Debian: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    # One browser a module, closed with it: while Playwright runs, Django refuses to use the database in this thread.
    need_chromium()
    need(any(EDITOR.glob("*/editor.js")), "the editor's files are missing; run: python manage.py fetch_editor")
    chromium = Chromium()
    yield chromium
    chromium.close()


@cache
def session_of(product: Product, username: str) -> str:
    """The Cookie header of this person, made once."""
    return product.sign_in(username)


class Watch:
    """What the pages of one context did that they must not do."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.wrong: list[str] = []
        self.allowed: list[str] = []
        self.answered: set[str] = set()  # addresses of the drafts of clips whose answers were sent

    def allow(self, *parts: str) -> None:
        """Let complaints pass that contain one of these: for tests that break something on purpose."""
        self.allowed += parts

    def follow(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.home}/", "data:", "blob:")):
            self.wrong.append(f"request to another host: {request.url}")
        if request.url.endswith("/submission/"):
            self.answered.add(request.url.removesuffix("submission/") + "draft/")

    def _response(self, response: Response) -> None:
        crossed = response.status == 409 and response.url in self.answered  # a draft with the clip's own answer; nobody is told of it
        if response.status >= 400 and not crossed:
            self.wrong.append(f"status {response.status}: {response.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.wrong.append(f"policy: {message.text}")

    def complaints(self) -> list[str]:
        return [one for one in self.wrong if not any(part in one for part in self.allowed)]


@pytest.fixture
def watch(product: Product) -> Watch:
    return Watch(product.url)


@pytest.fixture
def open_context(browser: Chromium, product: Product, watch: Watch) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts (`signed_in="ann"`, viewport, …) whose pages are watched; the test fails for what they must not do."""

    def open_one(signed_in: str = "", **options: Any) -> BrowserContext:
        context = browser.new_context(**{"base_url": product.url, "viewport": {"width": 1360, "height": 900}, **options})
        context.on("page", watch.follow)
        context.set_default_timeout(30_000)
        context.set_default_navigation_timeout(180_000)  # the editor is megabytes, and the machine may be busy
        if signed_in:
            name, _, value = session_of(product, signed_in).partition("=")
            context.add_cookies([{"name": name, "value": value, "url": product.url}])
        return context

    yield open_one
    browser.close_contexts()
    assert not watch.complaints()


@pytest.fixture(scope="module")
def desks(browser: Chromium, product: Product, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """One for each test of the module, one after the other; made together, since every call of Django's shell takes seconds."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module]
    name = request.module.__name__.rpartition(".test_")[2].replace("_", "-")
    slugs = [f"{name}-{number}" for number in range(sum("desk" in test.fixturenames for test in tests))]
    product.shell(f"from tests.browser.desk import set_up\nfor slug in {slugs}:\n    set_up(slug, 2, {CLIP})")
    return (Desk(product, slug) for slug in slugs)


@pytest.fixture
def desk(desks: Iterator[Desk]) -> Desk:
    """A campaign with two open clips that no other test has."""
    return next(desks)
