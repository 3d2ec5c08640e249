"""A manager reads what choosing gained, in light and dark, with a screen reader's rules and a telephone in mind."""

import pytest

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = """
from tests import worlds
campaign = worlds.with_model(worlds.campaign("gain", min_overlap=1, max_overlap=1, paused=True), worlds.checkpoint("base"))
worlds.member(campaign, "boss", "owner")
"""
ROUND = """
import random
from annotation.models import Campaign
from learner.models import Job, Round, SharedModel
from tests import worlds
campaign, number = Campaign.objects.get(slug="gain"), {number}
by = campaign.memberships.filter(user=None).first() or worlds.people(campaign, 1)[0]
song, chance = worlds.track(campaign, f"song {{number}}"), random.Random(number)
arms = [dict(arm="score", chance=1.0), dict(arm="random", chance=0.1)]
for n, (arm, most) in enumerate([(arms[0], 9)] * 8 + [(arms[1], 4)] * 4):
    parts = dict(seconds=most * chance.uniform(0.3, 0.7), unsure=0.1)
    (task,) = worlds.opened([worlds.clip(song, 15.0 * n, strategy="expected", parts=parts, **arm)], round_number=number)
    worlds.answer(task, by, (task.start + 2, task.start + 2.2 + most * chance.random()))
    worlds.agreed(task)
quality = dict(n=4 * number, spearman=0.614, auroc=0.9, expected=2.0, found=2.4)
job = Job.objects.create(campaign=campaign, kind="score", state="done")
parent = SharedModel.objects.get(campaign=campaign).current
kept = dict(quality=quality, words="Leak is foretold well enough.")
Round.objects.create(campaign=campaign, number=number, parent=parent, scoring=job, state="refused", choosing=kept)
"""


def test_a_manager_reads_what_choosing_gained(open_context: Contexts, product: Product) -> None:
    product.shell(SET_UP)
    page = open_context("boss").new_page()
    page.goto("/c/gain/")
    page.wait_for_selector("#choosing >> text=Nothing to compare yet.")

    def shown() -> str:
        page.locator("#choosing").scroll_into_view_if_needed()  # what is out of sight does not ask for news
        return page.inner_text("#choosing")

    wait_for(lambda: "on" in (page.get_attribute("#live-state", "class") or ""), "live page", 60)
    product.shell(ROUND.format(number=1))
    wait_for(lambda: "Round 1: this round's choice saved about" in shown(), "what was saved, by itself", 60)
    product.shell(ROUND.format(number=2))
    wait_for(lambda: "Round 2: Leak is foretold well enough." in shown(), "second round", 60)
    assert "All rounds" in page.inner_text("#choosing")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wait_for(lambda: page.locator("#choosing .chart canvas").count() == 1, "chart", 60)
        assert "chosen clips" in page.inner_text("#choosing .chart") and "drawn at random" in page.inner_text("#choosing .chart")
        assert serious_faults(page) == []
    assert narrow(page) <= 360
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all clips").click()
    assert download.value.suggested_filename.startswith("gain-clips-")
