"""Whom every page reaches: no serious fault by axe-core on any of them, narrow or wide, light or dark."""

from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import READY, Contexts, until
from tests.browser.conftest import Watch
from tests.browser.reach import serious_faults
from tests.product import Product

pytestmark = pytest.mark.browser

SLUG = "every-page"
SET_UP = f"""
from annotation.models import Membership, Task
from hub.accounts.models import User
from tests import worlds
from tests.browser.desk import set_up
User.objects.create_superuser("head", password="a long enough passphrase")
set_up({SLUG!r}, 3, (10.0, 22.0), leaderboard=True)
task = Task.objects.filter(campaign__slug={SLUG!r}).last()
worlds.member(task.campaign, "boss", Membership.Role.OWNER)
Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW, contested=True)
print(task.pk, task.track_id)
"""
OF = {
    "head": ["/", "/campaigns/new/", "/account/", "/account/again/"],
    "": ["/sign-in/", "/account/password/reset/", "/no-such-page/"],
    "ann": ["/", f"/c/{SLUG}/me/", f"/c/{SLUG}/leaderboard/", f"/c/{SLUG}/welcome/consent/", f"/c/{SLUG}/quick/", f"/c/{SLUG}/annotate/"],
    "boss": [
        "/",
        *(f"/c/{SLUG}/{page}" for page in ("", "settings/", "people/", "links/", "review/", "tracks/", "tracks/add/")),
        f"/c/{SLUG}/review/TASK/",
        f"/c/{SLUG}/tracks/TRACK/",
    ],
}
SIZES = ((360, 740), (1024, 768), (1440, 900))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def faults(page: Page, url: str) -> list[str]:
    """What is wrong with this page, at every size and in every scheme."""
    answer = page.goto(url)
    assert (answer and answer.status < 400) or url == "/no-such-page/", f"{url}: {answer and answer.status}"
    if url.endswith("/annotate/"):
        until(page, f"{READY} && unbleed.editor.isDrawn", "waveform")
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found += [f"{url} at {width} px, {scheme}: {fault}" for fault in serious_faults(page)]
    return found


def test_no_page_has_a_serious_fault(open_context: Contexts, product: Product, watch: Watch) -> None:
    watch.allow("status 404")
    task, track = product.shell(SET_UP).split()[-2:]
    found = []
    for who, urls in OF.items():
        page = open_context(who).new_page()
        for url in urls:
            found += faults(page, url.replace("TASK", task).replace("TRACK", track))
    assert found == []
