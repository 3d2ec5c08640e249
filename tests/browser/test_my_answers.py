"""What became of one's own answer, heard again in a real browser."""

import pytest

from tests.browser.annotating import Contexts, Desk, until

pytestmark = pytest.mark.browser

CLOCK = "parseFloat(document.querySelector('[data-clock]').textContent)"  # seconds of the clip
DECIDED = """
from annotation import services
from annotation.events import record
from annotation.models import Campaign, Membership, Task
from tests import worlds
campaign = Campaign.objects.get(slug={slug!r})
first, second = campaign.tasks.order_by("pk")
ann = campaign.memberships.get(user__username="ann")
mine = worlds.answer(first, ann, (first.start + 2.0, first.start + 4.0), (first.start + 7.0, first.start + 8.0))
worlds.answer(second, ann)
Task.objects.filter(pk=first.pk).update(state="in review", contested=True)
reviewer = services.add_member(campaign=campaign, role=Membership.Role.REVIEWER)
services.edit_review(task=first, by=reviewer, result=worlds.marks(first, (first.start + 2.2, first.start + 5.0)), note="")
services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
record(campaign, "feedback.frozen", after={{"round": 1}})
print(mine.pk)
"""


def test_what_was_missed_is_heard_by_its_button(open_context: Contexts, desk: Desk) -> None:
    desk.product.shell(DECIDED.format(slug=desk.slug))
    page = open_context("ann").new_page()
    page.goto(f"/c/{desk.slug}/me/")
    page.click("text=All your answers, and what became of them")
    page.click("text=What became of it")
    page.wait_for_load_state()
    page.click("li:has-text('missed 4.0 to 5.0 s') >> button")
    until(page, f"{CLOCK} > 3.6", "sound")
    until(page, "document.querySelector('[data-play]').ariaPressed === 'false'", "its end")
    until(page, f"Math.abs({CLOCK} - 5.5) < 0.15", "half a second after what was missed")
