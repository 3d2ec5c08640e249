"""The annotate page on a slow line, and without one: what is fetched when, and what one can do meanwhile."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import EMPTY, READY, Contexts, Desk, add, claim_less, hear_all, on_second_task, times, until
from tests.browser.conftest import Watch
from tests.product import wait_for

pytestmark = pytest.mark.browser

MEGABIT = 125_000  # bytes a second
STATE = "document.getElementById('annotate').dataset.state"
PLAYABLE = "document.getElementById('annotate').dataset.playable"


class Line:
    """A line of 1 Mbit/s and 40 ms for this page, and the sounds that came over it."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0  # of sound, so far
        self._sounds: set[str] = set()
        wire = page.context.new_cdp_session(page)
        wire.on("Network.requestWillBeSent", self._request)
        wire.on("Network.dataReceived", self._data)
        wire.send("Network.enable")
        speed = {"downloadThroughput": MEGABIT, "uploadThroughput": MEGABIT}
        wire.send("Network.emulateNetworkConditions", {"offline": False, "latency": 40, **speed})

    def _request(self, about: dict[str, Any]) -> None:
        url: str = about["request"]["url"]
        if ".ogg" in url:
            self._sounds.add(about["requestId"])

    def _data(self, about: dict[str, Any]) -> None:
        if about["requestId"] in self._sounds:
            self.bytes += about["encodedDataLength"]


def marked(page: Page, name: str) -> float:
    """When the page last said so, milliseconds."""
    return page.evaluate(f"performance.getEntriesByName('{name}').at(-1).startTime")


def test_at_1_megabit_no_sound_is_fetched_between_an_answer_and_the_next_clip(open_context: Contexts, desk: Desk) -> None:
    page = open_context("ann").new_page()
    line = Line(page)
    page.goto(f"/c/{desk.slug}/annotate/")
    until(page, "unbleed.ahead === 1", "next clip, decoded")
    first = page.evaluate(PLAYABLE)
    hear_all(page)
    before = line.bytes
    page.keyboard.press("n")
    until(page, f"{PLAYABLE} && {PLAYABLE} !== '{first}'", "next clip")
    on_second_task(page)
    assert before > 0 and line.bytes == before, "every byte of its sound was here before it was asked for"
    print(f"from submit to playable at 1 Mbit/s: {marked(page, 'playable') - marked(page, 'answered'):.0f} ms")


def test_the_first_clip_can_be_heard_before_the_other_sounds_are_fetched(open_context: Contexts, desk: Desk) -> None:
    page = open_context("ann").new_page()
    held: list[Any] = []
    for other in ("mix", "removed"):
        page.route(f"**/{other}.ogg*", lambda route: held.append(route))
    page.goto(f"/c/{desk.slug}/annotate/")
    until(page, PLAYABLE, "clip that can be heard")
    page.click("#play")
    until(page, "unbleed.player.time > 0.2", "sound")
    assert page.evaluate("Object.keys(unbleed.player.buffers)") == ["vocals"]
    page.keyboard.press("2")
    assert page.evaluate("unbleed.player.stem") == "vocals", "what is not here cannot be listened to"
    while page.evaluate("!unbleed.player.buffers.mix"):  # the editor asks for some too
        while held:
            held.pop().continue_()
        page.wait_for_timeout(50)
    assert page.evaluate("unbleed.player.playing"), "and went on playing"
    page.keyboard.press("2")
    assert page.evaluate("unbleed.player.stem") == "mix"


def test_without_a_network_one_goes_on_with_the_next_clip_and_both_answers_arrive(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    until(page, "unbleed.ahead === 1", "next clip, decoded")
    first = page.evaluate(PLAYABLE)
    context.set_offline(True)
    hear_all(page)
    add(page, 2, 3)
    page.click("#submit")
    until(page, f"{READY} && {PLAYABLE} !== '{first}'", "next clip")
    assert "1 not sent yet" in page.inner_text("#progress")
    assert "kept in this browser" in page.inner_text("#notice")
    assert desk.answers() == []
    hear_all(page)
    add(page, 5, 6)
    page.click("#submit")
    until(page, "document.getElementById('progress').textContent.includes('2 not sent yet')", "word about both")
    context.set_offline(False)
    until(page, EMPTY, "empty queue")
    assert [status for _, status, *_ in desk.answers()] == ["accepted", "accepted"]
    assert desk.marks() == [(12.0, 13.0), (15.0, 16.0)]
    assert not page.evaluate("Object.keys(localStorage).some((name) => name.includes(':answer:'))"), "nothing waits any more"


@pytest.fixture
def full_disk(desk: Desk) -> Iterator[Callable[[], object]]:
    """The database takes no answer, as when its disk is full; returns what makes room."""
    full = "RAISE EXCEPTION 'could not extend file \"base/5/1\": No space left on device' USING ERRCODE = 'disk_full'"
    desk.product.sql(f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {full}; END $$")
    desk.product.sql("CREATE TRIGGER full_disk BEFORE INSERT ON annotation_submission EXECUTE FUNCTION full_disk()")
    yield lambda: desk.product.sql("DROP FUNCTION IF EXISTS full_disk CASCADE")
    desk.product.sql("DROP FUNCTION IF EXISTS full_disk CASCADE")


@pytest.mark.parametrize("ahead", [True, False])
def test_while_the_servers_disk_is_full_the_answer_is_kept_and_sent_when_there_is_room(
    ahead: bool, open_context: Contexts, desk: Desk, watch: Watch, full_disk: Callable[[], object]
) -> None:
    watch.allow("status 507")
    page = desk.open(open_context("ann"))
    if ahead:
        until(page, "unbleed.ahead === 1", "next clip, decoded")
    first = page.evaluate(PLAYABLE)
    hear_all(page)
    add(page, 2, 3)
    page.click("#submit")
    until(page, "document.getElementById('notice-text').textContent.includes('The disk of this site is full')", "word of it")
    assert "kept in this browser" in page.inner_text("#notice")
    if ahead:
        until(page, f"{READY} && {PLAYABLE} !== '{first}'", "next clip")
    assert desk.answers() == [] and page.evaluate("Object.keys(localStorage).some((name) => name.includes(':answer:'))")
    full_disk()  # and nothing is pressed
    wait_for(desk.answers, "answer that arrives by itself")
    assert [status for _, status, *_ in desk.answers()] == ["accepted"] and desk.marks() == [(12.0, 13.0)]
    if ahead:
        until(page, "document.getElementById('notice-text').textContent.includes('The server takes answers again')", "word of it")


def test_what_is_refused_when_the_network_is_back_is_a_draft_again(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("status 400")
    context = open_context("ann")
    page = desk.open(context)
    until(page, "unbleed.ahead === 1", "next clip, decoded")
    first = page.evaluate(PLAYABLE)
    claim_less(page)
    context.set_offline(True)
    hear_all(page)
    add(page, 2, 3)
    page.click("#submit")
    until(page, f"{READY} && {PLAYABLE} !== '{first}'", "next clip")
    context.set_offline(False)
    until(page, "document.getElementById('notice-text').textContent.includes('One was refused, and is a draft again')", "word of it")
    assert "6.0-12.0 s" in page.inner_text("#notice") and "not sent yet" not in page.inner_text("#progress")
    assert desk.answers() == []
    page.reload()
    until(page, READY)
    assert page.evaluate(PLAYABLE) == first and times(page) == [(2.0, 3.0)], "nothing is lost"
    page.click("#submit")
    on_second_task(page)
    assert [status for _, status, *_ in desk.answers()] == ["accepted"] and desk.marks() == [(12.0, 13.0)]
