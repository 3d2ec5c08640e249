"""One clip in two tabs, on two devices, offline, in a browser that keeps nothing: what somebody gave arrives, and is theirs to change."""

import pytest
from playwright.sync_api import Dialog, Page, Route

from tests.browser.annotating import READY, Contexts, Desk, add, hear_all, on_second_task, times, until
from tests.browser.conftest import Watch
from tests.product import wait_for

pytestmark = pytest.mark.browser

SAVED = "document.getElementById('saved').textContent.startsWith('Saved')"
ASKED = "document.getElementById('ask').open"
TASK = "document.getElementById('annotate').dataset.playable"
KEEPS_NOTHING = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"

TWO_MONTHS_LATER = """() => {
  const mine = `unbleed:${document.getElementById('annotate').dataset.membership}:`;
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith(mine))) {
    const entry = JSON.parse(localStorage.getItem(name));
    localStorage.setItem(name, JSON.stringify({ ...entry, at: entry.at - 60 * 24 * 3600 * 1000 }));
  }
  localStorage.setItem(`${mine}draft:99`, JSON.stringify({ result: [], saved: false, at: 0 }));
}"""


def notice(page: Page, words: str) -> None:
    until(page, f"document.getElementById('notice-text').textContent.includes({words!r})", words)


def leaving(page: Page) -> list[str]:
    """What the browser asks when somebody tries to load the page again; they stay."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    def what_was_asked() -> list[str]:
        page.wait_for_timeout(50)
        return asked

    page.on("dialog", stay)
    page.evaluate("setTimeout(() => location.reload(), 0)")
    wait_for(what_was_asked, "question before leaving", 20)
    page.remove_listener("dialog", stay)
    return asked


def test_of_two_devices_the_newer_draft_wins_and_where_both_changed_one_chooses(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 409")
    here, there = (desk.open(open_context("ann")) for _ in range(2))
    add(here, 1, 2)
    until(here, SAVED)
    there.reload()
    until(there, READY)
    assert times(there) == [(1.0, 2.0)], "the newer one, whatever device it is from"
    add(there, 5, 6)
    until(there, SAVED)
    here.reload()
    until(here, READY)
    assert times(here) == [(1.0, 2.0), (5.0, 6.0)] and not here.evaluate(ASKED)
    # Now both go on from there.
    add(here, 8, 9)
    until(here, SAVED)
    add(there, 10, 11)
    until(there, ASKED, "question")
    said = there.inner_text("#ask")
    assert "Here: 3 marks, changed just now" in said and "on another device: 3 marks, changed just now" in said
    there.click("text=Go on with the others")
    until(there, READY)
    assert times(there) == [(1.0, 2.0), (5.0, 6.0), (8.0, 9.0)]
    there.reload()
    until(there, READY)
    there.click("text=Use the others instead")
    until(there, f"{READY} && document.querySelectorAll('#regions-rows tr').length === 3 && {SAVED}", "the others")
    assert times(there) == [(1.0, 2.0), (5.0, 6.0), (10.0, 11.0)], "neither is lost"
    ((kept,),) = desk.drafts()
    assert [one["value"]["start"] for one in kept] == [1, 5, 10]


def test_a_draft_whose_confirmation_is_lost_is_nobody_elses(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 409")
    page = desk.open(open_context("ann"))
    replies: list[int] = []

    def lose_the_first_two(route: Route) -> None:
        reply = route.fetch()
        replies.append(reply.status)
        route.abort("connectionreset") if len(replies) <= 2 else route.fulfill(response=reply)

    page.route("**/draft/", lose_the_first_two)
    add(page, 1, 2)
    until(page, "document.getElementById('saved').textContent.startsWith('Kept in this browser')", "word about the draft")
    add(page, 5, 6)
    until(page, SAVED)
    assert replies[:3] == [200, 409, 409] and replies[-1] == 200, "the server took the first for somebody else's"
    assert not page.evaluate(ASKED)
    page.reload()
    until(page, READY)
    assert times(page) == [(1.0, 2.0), (5.0, 6.0)]


def test_a_second_tab_on_an_answered_clip_says_so_and_asks(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 409")
    context = open_context("ann")
    first, second = (desk.open(context) for _ in range(2))
    hear_all(first)
    add(first, 1, 2)
    first.click("#submit")
    on_second_task(first)
    second.bring_to_front()
    second.evaluate("window.dispatchEvent(new Event('focus'))")
    notice(second, "You have answered this clip already")
    hear_all(second)
    for mark in times(second):  # the first tab's draft had come over
        assert mark == (1.0, 2.0)
        second.evaluate("unbleed.editor.remove(unbleed.editor.regions()[0].id)")
    add(second, 5, 6)
    second.click("#submit")
    until(second, ASKED, "question")
    assert "That answer has 1 mark and was given" in second.inner_text("#ask")
    second.click("text=Leave the answer as it is")
    on_second_task(second)
    assert [status for _, status, *_ in desk.answers()] == ["accepted"] and desk.marks() == [(11.0, 12.0)]
    second.keyboard.press("b")
    until(second, ASKED, "question")
    assert "Your answer: 1 mark" in second.inner_text("#ask") and "Here: 1 mark" in second.inner_text("#ask")
    second.click("text=Go on with those from here")
    until(second, READY)
    assert times(second) == [(5.0, 6.0)]
    second.click("#submit")
    on_second_task(second)
    assert [status for _, status, *_ in desk.answers()] == ["superseded", "accepted"]


def test_b_opens_the_answer_just_given_until_its_round_is_frozen(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 409")
    page = desk.open(open_context("ann"))
    first = page.evaluate(TASK)
    hear_all(page)
    add(page, 1, 2)
    page.click("#submit")
    on_second_task(page)
    add(page, 7, 8)
    page.locator("h1").click()  # out of the field
    page.keyboard.press("b")
    notice(page, "This is the answer that you gave")
    assert page.evaluate(TASK) == first and times(page) == [(1.0, 2.0)]
    assert "Heard 100 %" in page.inner_text("#heard"), "and need not hear it again"
    assert page.is_disabled("#skip")
    add(page, 4, 5)
    page.click("#submit")
    notice(page, "Your answer is changed.")
    on_second_task(page)
    assert times(page) == [(7.0, 8.0)], "what was begun goes on"
    assert [status for _, status, *_ in desk.answers()] == ["superseded", "accepted"]
    page.goto(f"/c/{desk.slug}/me/")
    page.click("#given >> text=Change it")
    notice(page, "This is the answer that you gave")
    page.click("text=Leave it as it is")
    on_second_task(page)
    desk.product.shell(
        "from annotation import services; from annotation.models import Campaign\n"
        f"services.agree_again_over_campaign(campaign=Campaign.objects.get(slug='{desk.slug}'), up_to_round=1)"
    )
    page.keyboard.press("b")
    notice(page, "The round of this clip is closed")
    assert page.evaluate(READY) and times(page) == [(7.0, 8.0)]


def test_a_skip_with_marks_asks_and_is_taken_back(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    first = page.evaluate(TASK)
    add(page, 1, 2)
    page.locator("h1").click()
    page.keyboard.press("s")
    assert "1 mark of yours" in page.inner_text("#skip-dialog")
    page.click("#skip-dialog >> text=Skip it")
    notice(page, "The clip is skipped")
    until(page, f"{READY} && {TASK} !== '{first}'", "next clip")
    page.click("text=Undo")
    until(page, f"{READY} && {TASK} === '{first}'", "the clip again")
    assert times(page) == [(1.0, 2.0)]
    page.keyboard.press("s")
    page.click("#skip-dialog >> text=Skip it")
    until(page, f"{READY} && {TASK} !== '{first}'", "next clip")
    page.keyboard.press("b")
    until(page, f"{READY} && {TASK} === '{first}'", "the same by the key")
    hear_all(page)
    page.click("#submit")
    until(page, f"{READY} && {TASK} !== '{first}'", "next clip")
    assert [status for _, status, *_ in desk.answers()] == ["accepted"]


def test_a_browser_that_keeps_nothing_says_so_and_asks_before_it_is_closed(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    context.add_init_script(KEEPS_NOTHING)
    page = desk.open(context)
    until(page, "unbleed.ahead === 1", "next clip, decoded")
    first = page.evaluate(TASK)
    context.set_offline(True)
    add(page, 1, 2)
    until(page, "document.getElementById('saved').textContent.includes('this browser keeps nothing')", "word about the draft")
    assert "Kept in this browser" not in page.inner_text("#saved")
    assert leaving(page) == ["beforeunload"]
    hear_all(page)
    page.click("#submit")
    until(page, f"{READY} && {TASK} !== '{first}'", "next clip")
    assert "could not keep your answer" in page.inner_text("#notice") and "kept in this browser" not in page.inner_text("#notice")
    assert leaving(page) == ["beforeunload"]
    page.locator("h1").click()
    page.keyboard.press("b")
    notice(page, "Your last answer has not reached the server yet")
    context.set_offline(False)
    notice(page, "what waited has reached the server")
    assert desk.marks() == [(11.0, 12.0)]
    page.reload()  # nothing is asked any more
    until(page, READY)


def test_what_is_unsent_is_sent_however_old_it_is(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    context.set_offline(True)
    hear_all(page)
    add(page, 1, 2)
    page.click("#submit")
    until(page, "Object.keys(localStorage).some((name) => name.includes(':answer:'))", "kept answer")
    assert leaving(page) == ["beforeunload"], "and leaving is asked about"
    page.evaluate(TWO_MONTHS_LATER)
    page.close()
    context.set_offline(False)
    page = desk.open(context)
    notice(page, "An answer that was kept in this browser has now reached the server.")
    assert desk.marks() == [(11.0, 12.0)]
    assert page.evaluate("Object.keys(localStorage).some((name) => name.endsWith(':draft:99'))"), "nothing unsent is deleted"


def test_a_late_answer_is_told_what_the_server_says(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    desk.product.shell(
        f"from annotation.models import Task; Task.objects.filter(pk={page.evaluate(TASK)}).update(state='in review', contested=True)"
    )
    hear_all(page)
    page.keyboard.press("n")
    notice(page, "A reviewer decides about this clip by now")
    on_second_task(page)


def test_withdrawn_consent_leads_to_my_page(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 403")
    page = desk.open(open_context("ann"))
    desk.product.shell(
        "from annotation.models import Membership; from annotation.services.first_visit import withdraw_consent\n"
        f"withdraw_consent(by=Membership.objects.get(campaign__slug='{desk.slug}', user__username='ann'), with_answers=False)"
    )
    hear_all(page)
    page.keyboard.press("n")
    page.wait_for_url(f"**/c/{desk.slug}/me/")
    assert "you get no clips" in page.inner_text("#consent")


def test_whoever_has_no_password_is_told_to_open_the_studys_link_again(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 403")
    desk.product.shell(
        f"from annotation.models import Campaign; from tests import worlds\nworlds.member(Campaign.objects.get(slug='{desk.slug}'), 'lin')"
    )
    context = open_context("lin")
    context.add_cookies([{"name": "came_by_link", "value": "yes", "url": desk.product.url}])  # as the link leaves it
    page = desk.open(context)
    context.clear_cookies(name="sessionid")
    add(page, 1, 2)
    notice(page, "You came by a study's link and have no password: open that link again")
    assert page.locator("#notice button").count() == 0, "there is nothing to sign in with"
    assert "Your marks are kept in this browser" in page.inner_text("#notice")
