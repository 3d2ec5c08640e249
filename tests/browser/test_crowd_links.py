"""A Prolific participant's visit, from the link that a manager makes to the completion code, in the browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import READY, Contexts, hear_all, until
from tests.browser.conftest import Watch
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SLUG = "crowd-link"
SET_UP = f"""
from annotation.models import Campaign
from tests import worlds
from tests.browser.desk import set_up
set_up({SLUG!r}, 2, (10.0, 22.0))
worlds.member(Campaign.objects.get(slug={SLUG!r}), "boss", "owner")
"""
PARTICIPANT = {"PROLIFIC_PID": "5f" * 12, "STUDY_ID": "6a" * 12, "SESSION_ID": "7b" * 12}


def answer_nothing(page: Page) -> None:
    until(page, READY, "clip that is ready")
    hear_all(page)
    page.click("#nothing")


def test_a_prolific_visit_from_the_link_to_the_code(open_context: Contexts, product: Product, watch: Watch) -> None:
    product.shell(SET_UP)
    manager = open_context("boss", permissions=["clipboard-read", "clipboard-write"]).new_page()
    manager.goto(f"/c/{SLUG}/links/")
    assert serious_faults(manager) == []
    manager.get_by_label("Kind").select_option("prolific")
    manager.get_by_label("Places").fill("1")
    manager.get_by_label("Clips asked for").fill("1")
    manager.get_by_label("Completion code").fill("CODE-77")
    manager.get_by_role("button", name="Make it").click()
    manager.wait_for_selector("[data-copy^='#address-']")
    assert serious_faults(manager) == []
    assert narrow(manager) <= 360
    manager.get_by_role("button", name="Copy").click()
    wait_for(lambda: manager.get_by_role("button", name="Copied").count(), "word that it was copied", 20)
    address = manager.evaluate("navigator.clipboard.readText()")

    # Prolific fills in its placeholders; the participant has no account here.
    for name, value in PARTICIPANT.items():
        assert f"{name}={{{{%{name}%}}}}" in address
        address = address.replace(f"{{{{%{name}%}}}}", value)
    page = open_context().new_page()
    page.goto(address)
    assert "asked for 1 clip" in page.inner_text("main")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.click("#begin")
    page.wait_for_url("**/")
    page.click(f"#start-{SLUG}")

    watch.allow("/next/")  # refused after the last answer, with the address of the last page
    answer_nothing(page)
    page.wait_for_url(f"**/c/{SLUG}/finished/")
    assert page.input_value("#code") == "CODE-77"
    assert page.get_attribute("#back", "href") == "https://app.prolific.com/submissions/complete?cc=CODE-77"
    assert serious_faults(page) == [] and narrow(page) <= 360

    # The manager's page follows; somebody else finds the only place taken.
    manager.wait_for_selector("#participations .badge.good")
    assert "1 of 1" in manager.inner_text("#participations")
    wait_for(lambda: "1 of 1 place taken" in manager.inner_text("#link-list"), "place that is taken", 60)
    manager.click("#participations summary")
    assert serious_faults(manager) == []
    watch.allow("status 409")
    other = open_context().new_page()
    other.goto(address.replace(PARTICIPANT["PROLIFIC_PID"], "9e" * 12))
    assert "As many people as were asked for have come" in other.inner_text("main")
    assert serious_faults(other) == []
