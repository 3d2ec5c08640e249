"""The annotate page from a test's chair: open it, make marks, look at what reached the database."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, FloatRect, Locator, Page

from tests.product import Product, wait_for

Contexts = Callable[..., BrowserContext]

CLIP = (10.0, 22.0)  # seconds of the track
READY = "document.getElementById('annotate')?.dataset.state === 'ready'"
EMPTY = "document.getElementById('annotate')?.dataset.state === 'empty'"

CLAIM_LESS = """() => {
  const { fetch } = window;
  window.fetch = (url, request) => {
    if (!url.endsWith('/submission/')) return fetch(url, request);
    return fetch(url, { ...request, body: JSON.stringify({ ...JSON.parse(request.body), heard: [[0, 6]] }) });
  };
}"""
SAYS = """() => {
  const [notice, focus] = [document.getElementById('notice'), document.activeElement?.outerHTML.slice(0, 200)];
  const [state, heard] = [document.getElementById('annotate')?.dataset.state, window.unbleed?.heard?.all()];
  return JSON.stringify({ url: location.pathname, state, notice: notice && !notice.hidden && notice.innerText, heard, focus });
}"""


def until(page: Page, expression: str, what: str = "", seconds: float = 180.0) -> Any:
    """Wait until a JavaScript expression is true in the page, and return its value; what the page says instead is in the failure."""
    try:
        return wait_for(lambda: page.evaluate(expression), what or expression, seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; the page: {page.evaluate(SAYS)}") from None


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
        until(page, f"{READY} && unbleed.editor.isDrawn", "editor that is ready")
        return page


def waveform(page: Page) -> FloatRect:
    """Where the upper waveform lies, brought before the eyes: the buttons at the bottom of the window may cover it."""
    until(page, "unbleed.editor.isDrawn", "waveform")
    canvas = page.locator("#label-studio canvas").first
    canvas.evaluate("(canvas) => canvas.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box
    return box


def draw(page: Page, start: float, end: float) -> None:
    """Draw a mark with the mouse on the upper waveform; times as shares of the clip."""
    before = len(times(page))
    box = waveform(page)
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    y = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + end) / 2 * box["width"], y, steps=6)
    page.mouse.move(box["x"] + end * box["width"], y, steps=6)
    page.wait_for_timeout(100)
    page.mouse.up()
    wait_for(lambda: len(times(page)) == before + 1, "mark that was drawn", 20)


def drag(page: Page, start: float, end: float, canvas: str = "#strip", drop: bool = True) -> None:
    """Drag over a picture of the whole clip, from one clip second to another; without `drop` the button stays down."""
    page.evaluate("(async () => { for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame); })()")  # it is drawn by then
    box = page.locator(canvas).bounding_box()
    assert box
    x = [box["x"] + second / (CLIP[1] - CLIP[0]) * box["width"] for second in (start, end)]
    y = box["y"] + 0.3 * box["height"]
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move(x[1], y, steps=5)
    if drop:
        page.mouse.up()


def times(page: Page) -> list[tuple[float, float]]:
    """The marks in the table, clip seconds."""
    rows = page.evaluate("[...document.querySelectorAll('#regions-rows tr')].map(r => [...r.querySelectorAll('input')].map(i => +i.value))")
    return [(row[0], row[1]) for row in rows if row]


def until_marks(page: Page, n: int, what: str = "mark") -> None:
    """Wait until the table has so many marks."""
    wait_for(lambda: len(times(page)) == n, what)


def add(page: Page, start: float, end: float) -> None:
    """Add a mark through the form under the table."""
    before = len(times(page))
    page.fill("#add-start", str(start))
    page.fill("#add-end", str(end))
    page.press("#add-end", "Enter")
    wait_for(lambda: len(times(page)) == before + 1, "mark that was added", 20)


def play_from(page: Page, second: float, loop: tuple[float, float] | None = None) -> None:
    """Play from here, without a reaction to take off, slowly enough for a busy machine."""
    page.evaluate("unbleed.keep.keepChoice('reaction', 0); unbleed.player.rate = 0.5")
    if loop:
        page.evaluate("([start, end]) => (unbleed.player.loop = { start, end })", list(loop))
    page.evaluate(f"unbleed.player.seek({second})")
    page.evaluate("unbleed.player.play()")
    until(page, f"unbleed.player.time > {second + 0.1}", "sound")


def hold(page: Page) -> Any:
    """Press M, and say where the mark begins."""
    page.keyboard.down("m")
    return page.evaluate("unbleed.marking.from")


def tap(page: Page) -> Any:
    """Tap M, as quickly as a person does, however slow the machine is, and say where the mark begins."""
    page.evaluate(
        """() => {
          const key = { key: 'm', code: 'KeyM', bubbles: true };
          for (const kind of ['keydown', 'keyup']) document.body.dispatchEvent(new KeyboardEvent(kind, key));
        }"""
    )
    return page.evaluate("unbleed.marking.from")


def release(page: Page) -> float:
    """Let M go, and say where play is then."""
    page.keyboard.up("m")
    return page.evaluate("unbleed.player.time")


def row(page: Page, number: int) -> Locator:
    return page.locator("#regions-rows tr").nth(number)


def on_second_task(page: Page) -> None:
    until(page, f"{READY} && document.getElementById('progress').textContent.startsWith('1 answered')", "second task")


def hear_all(page: Page) -> None:
    """As if the whole clip had just been listened to."""
    page.evaluate("unbleed.heard.add(JSON.parse(document.getElementById('rules').textContent).to_name, 0, unbleed.player.duration)")


def claim_less(page: Page) -> None:
    """Until it is loaded again, the page takes for heard enough what the server will refuse."""
    page.evaluate(CLAIM_LESS)


def sound(page: Page) -> tuple[bool, str]:
    """Whether it plays, and what is listened to."""
    playing, stem = page.evaluate("[unbleed.player.playing, unbleed.player.stem]")
    return playing, stem
