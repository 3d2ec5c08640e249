"""Sound, picture and marks come before Label Studio's editor, which is megabytes, and go on in it when it is there."""

import pytest
from playwright.sync_api import Route

from tests.browser.annotating import READY, Contexts, Desk, add, drag, hear_all, on_second_task, times, until, until_marks
from tests.browser.conftest import Watch
from tests.product import wait_for

pytestmark = pytest.mark.browser

WITH_EDITOR = "unbleed.editor.isDrawn"


def test_marks_made_before_the_editor_go_on_in_it(open_context: Contexts, desk: Desk) -> None:
    page = open_context("ann").new_page()
    held: list[Route] = []
    page.route("**/lsf/**/editor.js", lambda route: held.append(route))
    page.goto(f"/c/{desk.slug}/annotate/")
    until(page, READY, "clip that can be marked")
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 0.1", "sound without the editor")
    page.keyboard.press("Space")
    add(page, 2, 3)
    drag(page, 5, 6)
    wait_for(lambda: len(times(page)) == 2, "mark from the picture", 20)
    page.keyboard.press("Control+z")
    wait_for(lambda: times(page) == [(2, 3)], "undone mark", 20)
    wait_for(lambda: desk.drafts(), "draft on the server")
    before = page.evaluate("unbleed.editor.regions()[0].id")
    wait_for(lambda: held, "request for the editor, after the sound")
    held[0].continue_()
    until(page, WITH_EDITOR, "waveform")
    assert times(page) == [(2, 3)] and page.evaluate("unbleed.editor.regions()[0].id") == before
    page.locator("body").press("Control+z")
    wait_for(lambda: times(page) == [], "mark undone that was made before the editor", 20)
    for n in (1, 2):
        page.keyboard.press("Control+Shift+z")
        until_marks(page, n)
    assert times(page) == [(2, 3), (5, 6)]
    page.keyboard.press("Control+z")
    wait_for(lambda: times(page) == [(2, 3)], "undone mark", 20)
    assert page.evaluate("unbleed.editor.regions()[0].id") == before
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [(12.0, 13.0)]


def test_a_clip_is_answered_where_the_editor_does_not_come(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("ERR_FAILED")
    page = open_context("ann").new_page()
    page.route("**/lsf/**/editor.js", lambda route: route.abort())
    page.goto(f"/c/{desk.slug}/annotate/")
    until(page, "document.getElementById('editor-frame').innerText.includes('could not be loaded')", "word on the missing editor")
    add(page, 4, 5)
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [(14.0, 15.0)]
