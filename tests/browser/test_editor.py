"""The annotate page: Label Studio's editor, answers, drafts, and what happens when the network or the person is away."""

import json

import pytest
from playwright.sync_api import Route

from tests.browser.annotating import CLIP, EMPTY, READY, Contexts, Desk, add, draw, hear_all, on_second_task, row, sound, times
from tests.browser.conftest import Watch, until
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser


def test_a_drawn_mark_is_kept_in_track_seconds_and_the_next_task_follows_without_a_reload(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.evaluate("window.same = true")
    draw(page, 0.25, 0.5)
    ((start, end),) = times(page)
    assert abs(start - 3.0) < 0.2 and abs(end - 6.0) < 0.2
    draw(page, 0.7, 0.8)
    page.keyboard.press("Escape")
    page.click("#undo")
    wait_for(lambda: len(times(page)) == 1, "undone mark")
    page.click("#redo")
    wait_for(lambda: len(times(page)) == 2, "redone mark")
    page.keyboard.press("Control+z")
    wait_for(lambda: len(times(page)) == 1, "mark undone by the editor's own key")
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert page.evaluate("window.same"), "the page was not loaded again"
    assert times(page) == []
    (marked,) = desk.marks()
    assert marked[0] == pytest.approx(CLIP[0] + start, abs=0.01) and marked[1] == pytest.approx(CLIP[0] + end, abs=0.01)
    ((_, status, _, _, lead_time, _),) = desk.answers()
    assert status == "accepted" and lead_time > 0


def test_nothing_wrong_is_an_answer_and_only_without_marks(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    add(page, 1, 2)
    assert page.is_disabled("#nothing") and "delete the marks" in page.inner_text("#nothing-hint")
    row(page, 0).get_by_role("button", name="Delete").click()
    wait_for(lambda: page.is_enabled("#nothing"), "button for an empty answer")
    assert page.is_disabled("#submit")
    page.keyboard.press("Control+Enter")
    assert "Nothing wrong here" in page.inner_text("#notice"), "an empty answer is never sent by accident"
    hear_all(page)
    page.keyboard.press("Enter")
    on_second_task(page)
    ((_, status, result, *_),) = desk.answers()
    assert (status, result) == ("accepted", [])


def test_marks_survive_a_reload_and_a_sudden_leave(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    add(page, 2, 3)
    until(page, "/^Saved \\d\\d:\\d\\d:\\d\\d$/.test(document.getElementById('saved').textContent)", "saved draft")
    assert [region["value"]["start"] for region in desk.drafts()[0][0]] == [2]
    page.reload()
    until(page, READY)
    assert times(page) == [(2, 3)]
    add(page, 5, 6)
    page.goto("/")  # at once: no time for the draft keeper
    wait_for(lambda: len(desk.drafts()[0][0]) == 2, "draft that was sent while leaving", 20)
    page.evaluate("localStorage.clear()")
    page.goto(f"/c/{desk.slug}/annotate/")
    until(page, READY)
    assert times(page) == [(2, 3), (5, 6)]


def test_without_a_network_nothing_is_lost_and_the_answer_arrives_once(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    context.set_offline(True)
    hear_all(page)
    add(page, 2, 3)
    until(page, "document.getElementById('saved').textContent.startsWith('Kept in this browser')", "word about the draft")
    page.click("#submit")
    until(page, "document.getElementById('notice-text').textContent.includes('Trying again')", "word about the answer")
    assert "kept in this browser" in page.inner_text("#notice")
    context.set_offline(False)
    on_second_task(page)
    assert len(desk.answers()) == 1 and desk.marks() == [(12.0, 13.0)]


def test_an_answer_whose_confirmation_is_lost_is_sent_again_with_its_key(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    keys = []

    def lose_the_first_reply(route: Route) -> None:
        keys.append(json.loads(route.request.post_data or "")["client_key"])
        reply = route.fetch()
        assert reply.status == 201
        if len(keys) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=reply)

    page.route("**/submission/", lose_the_first_reply)
    hear_all(page)
    add(page, 2, 3)
    page.click("#submit")
    on_second_task(page)
    assert len(keys) == 2 and len(set(keys)) == 1
    assert [str(answer[5]) for answer in desk.answers()] == keys[:1]


def test_an_answer_kept_over_a_closed_tab_is_sent_at_the_next_visit(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    page.route("**/submission/", lambda route: route.abort())
    hear_all(page)
    add(page, 2, 3)
    page.click("#submit")
    until(page, "document.getElementById('notice-text').textContent.includes('Trying again')")
    page.close()
    assert desk.answers() == []
    page = desk.open(context)
    assert len(desk.answers()) == 1 and desk.marks() == [(12.0, 13.0)]
    assert page.inner_text("#progress").startswith("1 answered")


def test_a_refusal_names_the_mark_and_loses_nothing(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 400")
    page = desk.open(open_context("ann"))

    def bend(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        body["result"][1]["value"]["end"] = 99.0
        route.continue_(post_data=json.dumps(body))

    page.route("**/submission/", bend)
    hear_all(page)
    add(page, 1, 2)
    add(page, 5, 6)
    page.click("#submit")
    until(page, "document.getElementById('notice-text').textContent.includes('refused')", "refusal in words")
    assert "from 5.00 to 6.00 s" in page.inner_text("#notice") and "end" in page.inner_text("#notice")
    assert times(page) == [(1, 2), (5, 6)] and desk.answers() == []
    page.unroute("**/submission/")
    page.click("#submit")
    on_second_task(page)
    assert desk.marks() == [(11.0, 12.0), (15.0, 16.0)]


def test_everything_can_be_done_with_the_keyboard(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("?")
    assert page.locator("#help").get_by_text("a mark from pressing to letting go").is_visible()
    page.keyboard.press("Escape")
    wait_for(lambda: not page.locator("#help").is_visible(), "closed list of keys")
    for key in ("ArrowRight", "ArrowRight", "m", "ArrowRight", "m"):
        page.keyboard.press(key)
    wait_for(lambda: times(page) == [(2, 3)], "mark made with M")
    page.focus("#regions-rows input >> nth=1")
    page.keyboard.press("Control+a")
    page.keyboard.type("4.5")
    page.keyboard.press("Tab")
    wait_for(lambda: times(page) == [(2, 4.5)], "changed mark")
    page.fill("#add-start", "7")
    page.fill("#add-end", "6")
    page.press("#add-end", "Enter")
    assert "ends after its start" in page.inner_text("#region-error")
    page.focus("#regions-rows input >> nth=1")
    page.keyboard.press("Control+a")
    page.keyboard.type("5")
    hear_all(page)
    page.keyboard.press("Control+Enter")  # from within the field
    until(page, "document.getElementById('half-dialog').open", "question about the times that make no mark")
    page.keyboard.press("Enter")  # leave them out
    on_second_task(page)
    assert desk.marks() == [(12.0, 15.0)]


def test_a_clip_is_skipped_with_a_reason(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    first = page.evaluate("document.getElementById('annotate').dataset.playable")
    page.keyboard.press("s")
    page.get_by_label("The audio is bad").check()
    page.get_by_role("button", name="Skip it").click()
    until(page, f"{READY} && document.getElementById('annotate').dataset.playable !== {json.dumps(first)}", "another clip")
    assert desk.rows("one.state, one.skip_reason", "assignment")[0] == ("skipped", "bad audio")


def test_an_empty_queue_says_so_and_fills_by_itself(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    playable = "document.getElementById('annotate').dataset.playable"
    for _ in range(2):
        until(page, READY)
        hear_all(page)
        clip = page.evaluate(playable)
        page.click("#nothing")
        until(page, f"{playable} !== {json.dumps(clip)}", "another clip, or none")  # the next one may be ready within milliseconds
    until(page, EMPTY, "empty queue")
    assert page.get_by_role("heading", name="Nothing to do just now").is_visible()
    desk.product.shell(f"from tests.browser.desk import open_more\nopen_more({desk.slug!r}, {CLIP!r})")
    until(page, READY, "new task")


def test_a_telephone_shows_everything_in_its_width(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann", viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#play").tap()
    wait_for(lambda: sound(page) == (True, "vocals"), "sound")
    page.locator("#listen").get_by_text("Mix").tap()
    wait_for(lambda: sound(page) == (True, "mix"), "mix")
    page.locator("#mark").tap()
    page.wait_for_timeout(700)
    page.locator("#mark").tap()
    wait_for(lambda: len(times(page)) == 1, "mark made with two taps")


def test_signing_in_leads_to_what_one_steers_and_a_wrong_password_is_said(open_context: Contexts, product: Product, watch: Watch) -> None:
    product.shell(
        "from annotation import services; from hub.accounts.models import User\n"
        "sam = User.objects.create_user('sam', password='a long one')\n"
        "services.create_campaign(name='Of Sam', slug='of-sam', owner=sam)"  # whoever is in no campaign has nothing to hear of
    )
    page = open_context().new_page()
    page.goto("/")
    assert "/sign-in/" in page.url
    for password in ("wrong", "a long one"):
        page.fill("[name=username]", "sam")
        page.fill("[name=password]", password)
        page.get_by_role("button", name="Sign in").click()
        if password == "wrong":
            assert "correct" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("heading", name="Of Sam").is_visible()
    until(page, "document.getElementById('live-state').classList.contains('on')", "live connection")
    page.get_by_role("button", name="Sign out").click()
    assert "/sign-in/" in page.url
