"""Below a path of its host: from the sign-in to a kept answer and its live update, and nothing is asked for outside of that path."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from tests.browser.annotating import READY, Contexts, add, hear_all, on_second_task, until
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

PREFIX = "/audio/unbleed"
SLUG = "below"
SET_UP = f"""
from annotation.models import Campaign
from hub.accounts.models import User
from tests import worlds
from tests.browser.desk import set_up
set_up({SLUG!r}, 2, (10.0, 22.0))
User.objects.create_superuser("boss")
worlds.member(Campaign.objects.get(slug={SLUG!r}), "boss", "owner")
for user in User.objects.all():
    user.set_password("a tone of 440 Hz")
    user.save()
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Product]:
    """Instead of the one that all tests share."""
    product = Product(tmp_path_factory.mktemp("below a path") / "home", like=migrated_home)
    product.environment["UNBLEED_PREFIX"] = PREFIX
    product.shell(SET_UP)
    yield product.start()
    product.stop()


def sign_in(page: Page, name: str, address: str) -> None:
    """Go there as somebody unknown, and sign in on the way."""
    page.goto(address)
    page.fill("[name=username]", name)
    page.fill("[name=password]", "a tone of 440 Hz")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"**{address}")


def test_a_visit_below_a_path_asks_for_nothing_outside_of_it(open_context: Contexts, product: Product) -> None:
    outside: list[str] = []

    def note(request: Request) -> None:
        if not f"{request.url}/".startswith((f"{product.url}{PREFIX}/", "data:", "blob:")):
            outside.append(request.url)

    def open_page() -> Page:
        context = open_context()
        context.on("request", note)
        page = context.new_page()
        page.on("websocket", lambda socket: sockets.append(socket.url))
        return page

    sockets: list[str] = []
    boss = open_page()
    sign_in(boss, "boss", f"{PREFIX}/c/{SLUG}/")
    until(boss, "document.getElementById('live-state').classList.contains('on')", "live connection")
    boss.evaluate("document.addEventListener('unbleed:any', () => document.body.dataset.told = 'yes')")

    ann = open_page()
    sign_in(ann, "ann", f"{PREFIX}/")
    ann.click(f"#start-{SLUG}")
    until(ann, READY, "clip that is ready")
    add(ann, 2.0, 3.0)
    wait_for(lambda: product.sql("SELECT 1 FROM annotation_draft"), "draft on the server")
    hear_all(ann)
    ann.click("#submit")
    on_second_task(ann)
    until(boss, "document.body.dataset.told === 'yes'", "live update")
    assert product.sql('SELECT start, "end" FROM annotation_mark') == [(12.0, 13.0)]
    kept = ann.evaluate("Object.keys(localStorage).filter(key => key.startsWith('unbleed'))")
    assert kept and all(key.startswith(f"unbleed{PREFIX}:") for key in kept)

    boss.get_by_role("link", name="Admin").click()
    boss.get_by_role("link", name="View site").click()
    boss.get_by_role("link", name="My queue").click()
    boss.goto(f"{PREFIX}/c/{SLUG}/links/")
    boss.get_by_role("button", name="Make it").click()
    boss.wait_for_selector("[data-copy^='#address-']")
    assert f"{product.url}{PREFIX}/join/" in boss.content()
    boss.get_by_role("button", name="Sign out").click()
    boss.wait_for_url(f"**{PREFIX}/sign-in/")

    cookies = [cookie for page in (ann, boss) for cookie in page.context.cookies()]
    assert {cookie["path"] for cookie in cookies} == {f"{PREFIX}/"}
    assert {cookie["name"] for cookie in cookies} == {"sessionid_audio_unbleed", "csrftoken_audio_unbleed"}
    assert set(sockets) == {f"{product.url.replace('http', 'ws')}{PREFIX}/ws/events"}
    assert outside == []
    assert f"Ready: {product.url}{PREFIX} " in product.said()


@pytest.mark.parametrize("path", [f"{PREFIX}/health/", "/health/", f"{PREFIX}/static/hub/live.js", "/static/hub/live.js", PREFIX, "/"])
def test_a_proxy_may_pass_the_path_on_or_take_it_away(product: Product, path: str) -> None:
    assert product.get(path)[0] == 200


def test_the_schema_says_where_the_api_lies(product: Product) -> None:
    status, schema = product.get(f"{PREFIX}/api/schema/", product.sign_in("ann").replace("sessionid", "sessionid_audio_unbleed"))
    assert status == 200
    described = json.loads(schema)
    assert described["servers"] == [{"url": PREFIX}] and "/api/tasks/{task_id}/lease/" in described["paths"]
