"""The review pages, as a reviewer uses them: hear everybody's marks, edit, accept, send back, and lose nothing to somebody quicker."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import Contexts, add, times, until
from tests.browser.chromium import Chromium
from tests.browser.conftest import Watch
from tests.browser.reach import serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

CLIP = (10.0, 22.0)
SLUGS = ("review-keys", "review-back", "review-faults", "review-stale", "review-half", "review-missing")
PLAYABLE = "document.getElementById('review')?.dataset.playable && document.getElementById('review').dataset.state"


@pytest.fixture(scope="module", autouse=True)
def campaigns(browser: Chromium, product: Product) -> Iterator[None]:
    product.shell(f"from tests.browser.review_desk import set_up\nfor slug in {SLUGS!r}:\n    set_up(slug, 2, {CLIP})")
    yield


def decided(product: Product, slug: str) -> list[tuple]:
    """(version, method, pseudonym, [[start, end], …]) of the reviewers' decisions in a campaign."""
    return product.sql(
        "SELECT one.version, one.method, member.pseudonym,"
        ' (SELECT array_agg(ARRAY[region.start, region."end"] ORDER BY region.start) FROM annotation_consensusregion region'
        "  WHERE region.consensus_id = one.id)"
        " FROM annotation_consensus one JOIN annotation_membership member ON member.id = one.by_id"
        " JOIN annotation_campaign campaign ON campaign.id = member.campaign_id WHERE campaign.slug = %s ORDER BY one.id",
        slug,
    )


def open_review(page: Page, slug: str) -> None:
    """From the queue to the first clip that waits, by its button."""
    page.goto(f"/c/{slug}/review/")
    page.locator(".review-row a.button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review/\d+/$"))
    until(page, f"{PLAYABLE} === 'ready'", "clip that can be heard")


def test_the_keyboard_alone_is_enough_to_hear_edit_and_accept(open_context: Contexts, product: Product) -> None:
    page = open_context("rev").new_page()
    open_review(page, "review-keys")
    crowds = times(page)
    assert len(crowds) == 2 and page.inner_text("#submit-label") == "Accept the consensus"
    first = page.url

    page.locator(".block.person").first.focus()
    page.keyboard.press("Enter")
    until(page, "unbleed.player.playing", "the mark of a person")
    page.keyboard.press("2")
    until(page, "unbleed.player.stem === 'mix'", "mix in its stead")
    page.keyboard.press("1")
    until(page, "!unbleed.player.playing && unbleed.player.time > 1.9", "end of the mark")

    page.keyboard.press("t")
    wait_for(lambda: page.inner_text("#submit-label") == "Accept Person 1's answer", "answer that was taken over")
    page.keyboard.press("z")
    wait_for(lambda: times(page) == crowds, "consensus that is back")
    page.keyboard.press("k")
    page.keyboard.press("Backspace")
    wait_for(lambda: times(page) == crowds[1:], "one region less")
    page.focus("#regions-rows tr input")
    page.keyboard.press("Control+a")
    page.keyboard.type("8.5")
    page.keyboard.press("Control+Enter")  # what is being typed counts
    page.wait_for_url(lambda url: url != first)
    ((version, method, who, regions),) = decided(product, "review-keys")
    assert (version, method, who) == (2, "reviewer edited", "rev")
    assert regions == [pytest.approx([CLIP[0] + 8.5, CLIP[0] + crowds[1][1]], abs=0.01)]

    # The next one as the consensus says; then nothing is left, and the last decision can be undone.
    until(page, f"{PLAYABLE} === 'ready'", "the next clip")
    assert "Decided by your own regions" in page.inner_text(".messages")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/c/review-keys/review/")
    assert "Nothing waits for a reviewer" in page.inner_text("main")
    assert decided(product, "review-keys")[1][1] == "reviewer accepted"
    page.goto(first)
    until(page, f"{PLAYABLE} === 'decided'", "what was decided")
    assert "you decided on regions of their own" in " ".join(page.inner_text("#past").split())
    page.locator("#undo-decision").focus()
    page.keyboard.press("Enter")
    until(page, f"{PLAYABLE} === 'ready'", "clip that waits again")
    assert times(page) == crowds and len(decided(product, "review-keys")) == 1


def test_a_clip_is_sent_back_with_a_reason(open_context: Contexts, product: Product) -> None:
    page = open_context("rev").new_page()
    open_review(page, "review-back")
    first = page.url
    page.keyboard.press("s")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Hand it on").click()
    assert page.inner_text("#back-error") == "Say why it goes back."
    page.fill("#back-note", "the second half is too quiet")
    page.select_option("#back-more", "2")
    page.get_by_role("button", name="Hand it on").click()
    page.wait_for_url(lambda url: url != first)
    page.goto(first)
    until(page, f"{PLAYABLE} === 'open'", "clip that waits for answers")
    past = page.inner_text("#past")
    assert "the second half is too quiet" in past and "5 answers are wanted now, 3 were" in past
    assert page.locator(".block").count() == 0, "nobody sees others' answers before there are more"


@pytest.mark.parametrize("size", [(1360, 900), (360, 780)])
def test_axe_finds_no_serious_fault(open_context: Contexts, size: tuple[int, int]) -> None:
    narrow = size[0] < 500
    page = open_context("rev", viewport={"width": size[0], "height": size[1]}, has_touch=narrow, is_mobile=narrow).new_page()
    page.goto("/c/review-faults/review/")
    assert serious_faults(page) == [], "of the queue"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    open_review(page, "review-faults")
    page.locator(".take").first.click()
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.click("#send-back")
    page.get_by_role("button", name="Hand it on").click()
    assert serious_faults(page) == [], "with the reason that is asked for"
    page.keyboard.press("Escape")
    page.click("#help-open")
    assert serious_faults(page) == [], "with the list of keys"


def test_who_was_slower_is_told_at_once_and_keeps_the_edit(open_context: Contexts, product: Product, watch: Watch) -> None:
    page = open_context("rev").new_page()
    open_review(page, "review-stale")
    page.fill("#add-start", "5")
    page.fill("#add-end", "6")
    page.press("#add-end", "Enter")
    wait_for(lambda: len(times(page)) == 3, "region that was added")
    product.shell(
        "from annotation import services\n"
        "from annotation.models import Membership, Task\n"
        "by = Membership.objects.get(campaign__slug='review-stale', role='reviewer')\n"
        f"services.accept_review(task=Task.objects.get(pk={page.url.rstrip('/').rpartition('/')[2]}), by=by)"
    )
    wait_for(lambda: "came meanwhile" in page.inner_text("#notice"), "word of the other decision")
    watch.allow("status 409")
    page.keyboard.press("Control+Enter")
    wait_for(lambda: "somebody has decided it already" in page.inner_text("#notice"), "refusal")
    assert (5, 6) in times(page), "nothing is lost"
    page.get_by_role("button", name="Show what is new").click()
    until(page, f"{PLAYABLE} === 'decided'", "the other's decision")
    assert "kept in this browser" in page.inner_text("#notice")
    page.click("#undo-decision")
    until(page, f"{PLAYABLE} === 'ready'", "clip that waits again")
    wait_for(lambda: (5, 6) in times(page), "edit that is here again")


def test_what_is_half_made_is_finished_or_asked_about(open_context: Contexts, product: Product) -> None:
    page = open_context("rev").new_page()
    open_review(page, "review-half")
    first, crowds = page.url, times(page)
    page.evaluate("unbleed.keep.keepChoice('reaction', 0); unbleed.player.rate = 0.5; unbleed.player.seek(10); unbleed.player.play()")
    until(page, "unbleed.player.time > 10.1", "sound")
    page.keyboard.down("m")
    began = page.evaluate("unbleed.marking.from")
    until(page, "!unbleed.player.playing", "end of the clip")
    wait_for(lambda: times(page)[-1] == pytest.approx((began, 12), abs=0.02), "mark that was held to the clip's end")
    page.keyboard.up("m")

    # Begun and not ended: kept over a reload.
    page.evaluate("unbleed.player.seek(4.5)")
    page.keyboard.press("m")
    page.evaluate("unbleed.player.seek(5.5)")
    page.wait_for_timeout(300)
    page.reload()
    until(page, f"{PLAYABLE} === 'ready'", "clip that can be heard")
    wait_for(lambda: len(times(page)) == len(crowds) + 2 and (4.5, 5.5) in times(page), "edit that is here again")

    # Going on asks; going back changes nothing; Escape gives the mark up.
    page.evaluate("unbleed.player.seek(0)")
    page.keyboard.press("m")
    page.evaluate("unbleed.player.seek(1)")
    for key in ("n", "s", "Control+Enter"):
        page.keyboard.press(key)
        until(page, "document.getElementById('half-dialog').open", "question")
        assert "begun a mark at 0.00 s" in page.inner_text("#half-said")
        page.get_by_role("button", name="Back", exact=True).click()
        until(page, "!document.querySelector('dialog[open]')", "no question")
    page.keyboard.press("Escape")
    assert page.evaluate("unbleed.marking.from") is None and page.url == first

    # A selection is asked about, times that were typed count.
    box = page.locator("#strip").bounding_box()
    assert box
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 0.05 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 40, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.fill("#add-start", "0.1")
    page.fill("#add-end", "0.3")
    page.keyboard.press("Control+Enter")
    until(page, "document.getElementById('half-dialog').open", "question")
    assert "You have selected" in page.inner_text("#half-said")
    page.get_by_role("button", name="Mark it", exact=True).click()
    page.wait_for_url(lambda url: url != first)
    ((_, method, _, regions),) = decided(product, "review-half")
    assert method == "reviewer edited" and len(regions) == len(crowds) + 4
    assert regions[0] == pytest.approx([CLIP[0] + 0.1, CLIP[0] + 0.3]) and regions[1] == pytest.approx(
        [CLIP[0] + 0.6, CLIP[0] + 1.2], abs=0.05
    )


def test_what_is_missing_is_decided_beside_what_is_wrong(open_context: Contexts, product: Product) -> None:
    product.shell("from annotation.models import Campaign\nCampaign.objects.filter(slug='review-missing').update(collects_missing=True)")
    page = open_context("rev").new_page()
    open_review(page, "review-missing")
    first, n = page.url, len(times(page))
    page.locator("body").press("o")
    until(page, "document.getElementById('opposite').ariaPressed === 'true'", "the opposite mark")
    add(page, 3.0, 5.0)  # over what is wrong, and no part of it
    assert len(times(page)) == n + 1 and page.inner_text("#submit-label") == "Accept your edit"
    until(page, "document.getElementById('saved').textContent.includes('kept in this browser')", "edit that is kept")
    page.reload()
    until(page, f"{PLAYABLE} === 'ready' && document.querySelectorAll('#regions-rows td.kind').length === {n + 1}", "edit that is restored")
    assert [text for text in page.locator("#regions-rows td.kind").all_inner_texts() if text] == ["missing"]
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url != first)
    ((*_, regions),) = decided(product, "review-missing")
    assert len(regions) == n
    sql = 'SELECT one.start, one."end", one.probability FROM annotation_missingregion one JOIN annotation_consensus made'
    assert product.sql(f"{sql} ON made.id = one.consensus_id WHERE made.method = 'reviewer edited'") == [(13.0, 15.0, 1.0)]


def test_a_clip_is_given_back_by_keyboard_and_its_person_finds_it(open_context: Contexts, product: Product) -> None:
    product.shell(
        "from annotation.models import Membership\nfrom tests import worlds\n"
        "for one in Membership.objects.filter(campaign__slug='review-back', pseudonym__startswith='p'):\n"
        "    one.user = worlds.user(f'back-{one.pseudonym}'); one.save()"
    )
    page = open_context("rev").new_page()
    open_review(page, "review-back")
    first = page.url
    page.keyboard.press("b")
    page.wait_for_selector("#back-dialog[open]")
    assert page.is_checked("#back-to-person") and page.evaluate("document.activeElement.id") == "back-note"
    page.keyboard.type("Is that a guitar?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != first)
    ((name, task),) = product.sql(
        "SELECT account.username, one.task_id FROM annotation_referral one JOIN annotation_membership member ON member.id = one.to_id"
        " JOIN accounts_user account ON account.id = member.user_id WHERE one.done IS NULL"
    )
    theirs = open_context(name).new_page()
    theirs.goto("/")
    theirs.click(f"a[href*='task={task}&']")
    theirs.wait_for_selector("#asked-again")
    assert "Is that a guitar?" in theirs.inner_text("#asked-again")
