"""Whom the annotate page reaches: with the keyboard alone, with a screen reader, on a telephone, under a strict policy."""

import pytest

from tests.browser.annotating import Contexts, Desk, add, hear_all, on_second_task, times, until
from tests.browser.conftest import Watch
from tests.browser.reach import serious_faults
from tests.product import wait_for

pytestmark = pytest.mark.browser

COVERED = """(() => {
  const strip = document.getElementById('strip');
  strip.scrollIntoView({ block: 'end' });
  const { left, top, width, height } = strip.getBoundingClientRect();
  return [0.1, 0.5, 0.9].map((part) => document.elementFromPoint(left + width / 2, top + part * height)?.id);
})()"""


@pytest.mark.parametrize("size", [(1360, 900), (360, 780)])
def test_axe_finds_no_serious_fault(open_context: Contexts, desk: Desk, size: tuple[int, int]) -> None:
    narrow = size[0] < 500
    page = desk.open(open_context("ann", viewport={"width": size[0], "height": size[1]}, has_touch=narrow, is_mobile=narrow))
    add(page, 2, 3)
    page.fill("#add-start", "7")
    page.fill("#add-end", "6")
    page.press("#add-end", "Enter")  # a complaint is part of the page, too
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.locator("#help-open").click()
    assert serious_faults(page) == [], "with the list of keys"
    page.keyboard.press("Escape")
    page.click("#skip")
    assert serious_faults(page) == [], "with the reasons to skip"


@pytest.mark.parametrize("size", ["100%", "200%"])
def test_a_telephone_shows_everything_without_going_sideways(open_context: Contexts, desk: Desk, size: str) -> None:
    page = desk.open(open_context("ann", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True))
    page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
    add(page, 2, 3)
    beyond = "[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > 361).map((e) => e.outerHTML)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.evaluate(beyond)
    assert page.evaluate(COVERED) == ["strip"] * 3, "nothing lies over the picture"
    page.locator("#help-open").click()
    rights = "[...document.querySelectorAll('#keys-rows button')].map((e) => e.getBoundingClientRect().right)"
    inside = page.locator("#help .table-scroll").evaluate("(e) => e.getBoundingClientRect().right")
    assert max(page.evaluate(rights)) <= inside <= 360, "every key can be changed"


def test_a_key_that_another_action_had_is_told_of(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.locator("#help-open").click()
    page.click("[data-action=loop] button")
    page.keyboard.press("n")
    said = page.locator("#keys-state").inner_text()
    assert said.startswith("N now does: go round") and "answer: nothing wrong here, which has no key now." in said
    page.click("[data-action=loop] button")
    page.keyboard.press("g")
    assert page.locator("#keys-state").inner_text().startswith("G now does: go round")


def test_the_keyboard_alone_is_enough(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    for key in ("ArrowRight", "ArrowRight", "m", "ArrowRight", "m", "k", "Shift+ArrowRight", "Shift+ArrowRight", "]"):
        page.keyboard.press(key)
    # Paused, M sets a start and an end; K selects the mark and goes to its start, and ] lets it end a bit later.
    wait_for(lambda: times(page) == [(2, 2.2)], "mark made and changed with keys", 20)
    page.keyboard.press("l")
    until(page, "unbleed.player.loop && unbleed.player.playing", "loop of the selected mark", 20)
    page.keyboard.press("l")
    page.keyboard.press("Space")
    until(page, "!unbleed.player.playing")
    page.keyboard.press("Backspace")
    wait_for(lambda: times(page) == [], "deleted mark", 20)
    page.keyboard.press("Control+z")
    wait_for(lambda: times(page) == [(2, 2.2)], "mark that is back", 20)
    # Every control that a mouse can press is reached with Tab, and shows that it is.
    page.keyboard.press("Tab")
    reached = set()
    for _ in range(80):
        reached.add(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert {"help-open", "play", "mark", "loop", "speed", "equal", "zoom-in", "undo", "add-start", "skip", "submit"} <= reached
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [(12.0, 12.2)]


def test_a_script_written_into_the_page_does_not_run(open_context: Contexts, desk: Desk, watch: Watch) -> None:
    watch.allow("policy: ")
    page = desk.open(open_context("ann"))
    assert watch.wrong == [] or all("prefetch" in one for one in watch.wrong), "until now the policy had nothing to stop"
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.broken = 1';
          document.body.append(script);
          document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.broken = 2">');
          setTimeout('window.broken = 3'); // text as a script, which is eval
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.broken") is None


SAYS = "document.getElementById('announce').textContent"
WITHOUT_SIGHT = (
    "unbleed.player.rate = 2; window.said = []; new MutationObserver(() => said.push({})).observe({}, {{childList: true}})".format(
        SAYS, SAYS.removesuffix(".textContent")
    )
)


def test_a_clip_is_done_by_sound_and_keys_and_the_page_says_what_matters_once(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.evaluate(WITHOUT_SIGHT)
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 2", "sound")
    page.keyboard.down("m")
    until(page, "unbleed.player.time > 4", "sound")
    page.keyboard.up("m")
    until(page, "!unbleed.player.playing", "end of the clip")
    for _ in range(8):  # whatever was not heard, as on a busy machine
        if page.evaluate("unbleed.heard.isEnough(unbleed.player.duration)"):
            break
        page.keyboard.press("h")
        until(page, "!unbleed.player.playing", "end of what was missing")
    page.keyboard.press("k")
    until(page, f"{SAYS}.startsWith('Mark 1 of 1: ')", "the chosen mark, said", 20)
    said = page.evaluate("said")
    assert [one.split(" ")[0] for one in said] == ["Marked", "Heard", "Mark"], "nothing is said while it only plays"
    page.keyboard.press("Enter")
    on_second_task(page)
    until(page, f"{SAYS}.startsWith('Clip of 12.0 seconds')", "the next clip, announced", 20)
    assert "1 answered" in page.evaluate(SAYS)
    assert page.evaluate("document.activeElement.id") == "transport"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "play"
    assert len(desk.marks()) == 1
