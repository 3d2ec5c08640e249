"""One mark's whole story: drawn by a person, agreed on by three, learned from, judged, and followed by new tasks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.annotating import READY, draw, hear_all, times, until
from tests.product import Product, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.loop]

SLOW = 300.0  # seconds; for machines that do much else meanwhile
PASSWORD = "a long one, for tests only"
CLIP_SECONDS = 12.0
LONGEST_BLEED = """
from annotation.models import Task
from learner.simulated import what_is_wrong
print(*max(what_is_wrong(Task.objects.get(campaign__slug="story")), key=lambda region: region.duration))
"""
RULES = {"clips_per_round": 1, "random_share": 0.0, "min_overlap": 3, "max_overlap": 3, "max_rounds": 2, "compare_with_replay": False}


def sign_in(context: BrowserContext, name: str) -> Page:
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    return page


def text(page: Page, section: str) -> str:
    return str(page.locator(f"#{section}").inner_text())


def test_one_marks_whole_story(open_context: Callable[..., BrowserContext], product: Product) -> None:
    product.shell(f"from tests.loop.small import make; make('story', owner='olga', annotator='anna', password={PASSWORD!r}, **{RULES!r})")
    story = "campaign_id = (SELECT id FROM annotation_campaign WHERE slug = 'story')"
    in_round = f"SELECT 1 FROM learner_round WHERE {story} AND number = %s AND state = %s"
    wait_for(lambda: product.sql(in_round, 1, "annotating"), "round with tasks", SLOW)
    dashboard = sign_in(open_context(), "olga")
    dashboard.goto("/c/story/")
    dashboard.evaluate("window.same = true")

    # A person signs in, hears, draws a region with the mouse, and submits.
    page = sign_in(open_context(), "anna")
    page.get_by_role("link", name="Start listening").first.click()
    until(page, READY, "editor that is ready")
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 0.3", "sound")
    page.keyboard.press("Space")
    bleed = product.shell(LONGEST_BLEED).split()
    draw(page, *(float(second) / CLIP_SECONDS for second in bleed))
    ((start, end),) = times(page)
    hear_all(page)
    page.keyboard.press("Control+Enter")
    mine = "SELECT m.start, m.end, s.heard FROM annotation_mark m JOIN annotation_submission s ON s.id = m.submission_id" \
           " JOIN annotation_membership p ON p.id = s.by_id WHERE p.pseudonym = 'anna'"  # fmt: skip
    ((marked_start, marked_end, heard),) = wait_for(lambda: product.sql(mine), "kept mark")
    assert (marked_start, marked_end) == pytest.approx((start, end), abs=0.01), "the clip starts with the track"
    assert heard and heard[0][1] > 0.2
    wait_for(lambda: "1 of 3" in text(dashboard, "state"), "answer on the dashboard")

    # Two simulated ones answer; consensus, adaptation, gate, verdict and new tasks follow by themselves.
    product.manage("simulate", "story", "--answers", "2")
    wait_for(lambda: product.sql("SELECT 1 FROM annotation_event WHERE what = 'task.closed'"), "consensus", SLOW)
    wait_for(lambda: "adapt" in text(dashboard, "state").lower(), "adaptation on the dashboard", SLOW)
    wait_for(lambda: product.sql(in_round, 2, "annotating"), "second round with tasks", SLOW)
    wait_for(lambda: "Round 2: people are listening" in text(dashboard, "state"), "new tasks on the dashboard", SLOW)
    ((verdict,),) = product.sql(f"SELECT verdict FROM learner_adaptation WHERE {story}")
    assert verdict in ("promoted", "refused")
    dashboard.locator("#figures").scroll_into_view_if_needed()  # what is out of sight does not ask for news
    wait_for(lambda: verdict in text(dashboard, "figures").lower(), "verdict on the dashboard")
    assert dashboard.evaluate("window.same"), "the dashboard was never loaded again"

    # Lineage: from what was learned back to the person who drew it.
    learned_from = product.sql(
        "SELECT count(*) FROM learner_feedbackclip clip"
        " JOIN annotation_consensus_submissions used ON used.consensus_id = clip.consensus_id"
        " JOIN annotation_submission s ON s.id = used.submission_id"
        " JOIN annotation_membership p ON p.id = s.by_id WHERE p.pseudonym = 'anna'"
    )
    assert learned_from == [(1,)]
