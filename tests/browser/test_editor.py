"""The annotate page: Label Studio's editor, answers, drafts, and what happens when the network or the person is away."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

from tests.browser.conftest import Watch, until
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

CLIP = (10.0, 22.0)  # seconds of the track
N_DESKS = 13
READY = "document.getElementById('annotate')?.dataset.state === 'ready'"
EMPTY = "document.getElementById('annotate')?.dataset.state === 'empty'"
SOUND = "[...document.querySelectorAll('audio, video')].map(e => [e.src.match(/(vocals|mix)\\.ogg/)[1], e.volume, e.muted, e.paused])"

Contexts = Callable[..., BrowserContext]


class Desk:
    """A campaign with two open clips, and the annotator "ann" in it."""

    def __init__(self, product: Product, slug: str) -> None:
        self.product = product
        self.slug = slug

    def rows(self, columns: str, table: str, order: str = "id") -> list[tuple]:
        """Rows of a table that hangs on the campaign's tasks."""
        return self.product.sql(
            f"SELECT {columns} FROM annotation_{table} one JOIN annotation_task task ON task.id = one.task_id"
            f" JOIN annotation_campaign campaign ON campaign.id = task.campaign_id WHERE campaign.slug = %s ORDER BY one.{order}",
            self.slug,
        )

    def answers(self) -> list[tuple]:
        return self.rows("one.id, one.status, one.result, one.heard, one.lead_time, one.client_key", "submission")

    def marks(self) -> list[tuple[float, float]]:
        return self.product.sql(
            'SELECT mark.start, mark."end" FROM annotation_mark mark JOIN annotation_submission one ON one.id = mark.submission_id'
            " JOIN annotation_task task ON task.id = one.task_id JOIN annotation_campaign campaign ON campaign.id = task.campaign_id"
            " WHERE campaign.slug = %s ORDER BY mark.start",
            self.slug,
        )

    def drafts(self) -> list[tuple]:
        return self.rows("one.result", "draft")

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(f"/c/{self.slug}/annotate/")
        until(page, READY, "editor that is ready")
        return page


@pytest.fixture(scope="module")
def desks(browser: Browser, product: Product) -> Iterator[Desk]:
    """One after the other; made together, since every call of Django's shell takes seconds."""
    slugs = [f"desk-{number}" for number in range(N_DESKS)]
    product.shell(f"from tests.browser.desk import set_up\nfor slug in {slugs}:\n    set_up(slug, 2, {CLIP})")
    return (Desk(product, slug) for slug in slugs)


@pytest.fixture
def desk(desks: Iterator[Desk]) -> Desk:
    """A desk that no other test has."""
    return next(desks)


def draw(page: Page, start: float, end: float) -> None:
    """Draw a mark with the mouse on the upper waveform; times as shares of the clip."""
    before = len(times(page))
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    box = page.locator("#label-studio canvas").first.bounding_box()
    assert box
    y = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + end) / 2 * box["width"], y, steps=6)
    page.mouse.move(box["x"] + end * box["width"], y, steps=6)
    page.wait_for_timeout(100)
    page.mouse.up()
    wait_for(lambda: len(times(page)) == before + 1, "mark that was drawn", 20)


def times(page: Page) -> list[tuple[float, float]]:
    """The marks in the table, clip seconds."""
    rows = page.evaluate("[...document.querySelectorAll('#regions-rows tr')].map(r => [...r.querySelectorAll('input')].map(i => +i.value))")
    return [(row[0], row[1]) for row in rows if row]


def add(page: Page, start: float, end: float) -> None:
    """Add a mark through the form under the table."""
    before = len(times(page))
    page.fill("#add-start", str(start))
    page.fill("#add-end", str(end))
    page.press("#add-end", "Enter")
    wait_for(lambda: len(times(page)) == before + 1, "mark that was added", 20)


def row(page: Page, number: int) -> Locator:
    return page.locator("#regions-rows tr").nth(number)


def on_second_task(page: Page) -> None:
    until(page, f"{READY} && document.getElementById('progress').textContent.startsWith('1 answered')", "second task")


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
    page.keyboard.press("Enter")
    on_second_task(page)
    ((_, status, result, *_),) = desk.answers()
    assert (status, result) == ("accepted", [])


def test_one_listens_to_the_vocals_the_mix_or_both_in_step(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    for key, vocals, mix in (("x", 0, 1), ("b", 1, 1), ("v", 1, 0)):
        page.keyboard.press(key)
        page.keyboard.press("Space")
        sound = until(page, f"(s => s.every(e => !e[3]) && s)({SOUND})", "sound")
        assert {name: volume for name, volume, *_ in sound} == {"vocals": vocals, "mix": mix}
        assert not any(muted for _, _, muted, _ in sound)
        page.keyboard.press("Space")
        until(page, f"{SOUND}.every(e => e[3])", "silence")


def test_only_what_was_heard_of_the_vocals_counts_as_heard(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("x")
    page.keyboard.press("Space")
    until(page, "document.querySelector('audio, video').currentTime > 1", "a second of the mix")
    page.keyboard.press("Space")
    page.click("#nothing")
    on_second_task(page)
    page.keyboard.press("v")
    page.keyboard.press("Space")
    until(page, "document.querySelector('audio, video').currentTime > 1.5", "a second and a half of the vocals")
    page.keyboard.press("Space")
    page.click("#nothing")
    until(page, EMPTY, "empty queue")
    mix_only, vocals = (answer[3] for answer in desk.answers())
    assert mix_only == []
    assert vocals[0][0] == pytest.approx(CLIP[0], abs=1.0) and sum(end - start for start, end in vocals) > 0.5


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
    add(page, 2, 3)
    page.click("#submit")
    on_second_task(page)
    assert len(keys) == 2 and len(set(keys)) == 1
    assert [str(answer[5]) for answer in desk.answers()] == keys[:1]


def test_an_answer_kept_over_a_closed_tab_is_sent_at_the_next_visit(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = desk.open(context)
    page.route("**/submission/", lambda route: route.abort())
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
    assert page.locator("#help").get_by_text("begin a mark at the play position").is_visible()
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
    page.keyboard.press("Control+Enter")  # from within the field
    on_second_task(page)
    assert desk.marks() == [(12.0, 15.0)]


def test_a_clip_is_skipped_with_a_reason(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    first = page.locator("audio, video").first.get_attribute("src")
    page.keyboard.press("s")
    page.get_by_label("The audio is bad").check()
    page.get_by_role("button", name="Skip it").click()
    until(page, f"{READY} && document.querySelector('audio, video')?.getAttribute('src') !== {json.dumps(first)}", "another clip")
    assert desk.rows("one.state, one.skip_reason", "assignment")[0] == ("skipped", "bad audio")


def test_an_empty_queue_says_so_and_fills_by_itself(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    for _ in range(2):
        until(page, READY)
        page.click("#nothing")
        until(page, f"!({READY})")
    until(page, EMPTY, "empty queue")
    assert page.get_by_role("heading", name="Nothing to do just now").is_visible()
    desk.product.shell(f"from tests.browser.desk import open_more\nopen_more({desk.slug!r}, {CLIP!r})")
    until(page, READY, "new task")


def test_a_telephone_shows_everything_in_its_width(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Play").first.tap()
    until(page, f"{SOUND}.every(e => !e[3])", "sound")
    page.locator("#listen").get_by_text("Mix").tap()
    until(page, f"Object.fromEntries({SOUND}).mix === 1", "mix")


def test_signing_in_leads_to_the_queue_and_a_wrong_password_is_said(open_context: Contexts, product: Product, watch: Watch) -> None:
    product.shell("from hub.accounts.models import User\nUser.objects.create_user('sam', password='a long one')")
    page = open_context().new_page()
    page.goto("/")
    assert "/sign-in/" in page.url
    for password in ("wrong", "a long one"):
        page.fill("[name=username]", "sam")
        page.fill("[name=password]", password)
        page.get_by_role("button", name="Sign in").click()
        if password == "wrong":
            assert "correct" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("heading", name="My queue").is_visible()
    until(page, "document.getElementById('live-state').classList.contains('on')", "live connection")
    page.get_by_role("button", name="Sign out").click()
    assert "/sign-in/" in page.url
