"""An evening of one person at two browsers, on a network that comes and goes: `make bench-evening`.

Starts the product on a data folder of its own and lets a seeded random person work on it in two real browsers (two devices signed in
as the same person): marks are added, begun, left half made, removed; pages are reloaded, closed and left in the middle of a clip for
the other device; clips are submitted, skipped, looked at again. Meanwhile requests are lost on their way, answers are lost on their
way back, the server says 503, and the network is away. Every mark that was made is written down with the hundredths of a second that
tell it from all others. In the end each of them must lie in an answer or in a draft of its clip, and no answer be there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Page, Route, sync_playwright

from tests.browser.annotating import CLIP, hear_all, times
from tests.browser.chromium import FLAGS, PROGRAM
from tests.product import HEARD_LONG_AGO, Product

LENGTH = CLIP[1] - CLIP[0]
STATE = "document.getElementById('annotate')?.dataset.state"
SETTLE = 240.0  # seconds that the end may take until everything has reached the server
Mark = tuple[float, float]
Weather = str  # fine | lossy | deaf | broken | away
WEATHERS: dict[Weather, int] = {"fine": 6, "lossy": 2, "deaf": 2, "broken": 1, "away": 2}


@dataclass
class Ledger:
    """What the person did, by task; marks are (start, end) in clip seconds."""

    made: dict[int, set[Mark]] = field(default_factory=dict)
    removed: dict[int, set[Mark]] = field(default_factory=dict)
    left_out: dict[int, set[Mark]] = field(default_factory=dict)  # where the person chose others, when asked
    begun: Counter[int] = field(default_factory=Counter)  # marks by the key alone, whose times nobody wrote down
    did: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def new_mark(self, task: int, chance: random.Random) -> Mark:
        """A mark with times that none before it on this task had."""
        known = self.made.setdefault(task, set())
        while True:
            start = chance.randrange(0, int(100 * LENGTH) - 60) / 100
            mark = (start, round(start + chance.randrange(20, 50) / 100, 2))
            # Apart from the others: marks that touch may be joined.
            if all(mark[1] + 0.05 < other[0] or other[1] + 0.05 < mark[0] for other in known):
                known.add(mark)
                return mark
            if len(known) > 6:
                raise LookupError("the clip is full")


class Device:
    """A browser of its own for the same person, with its own storage and its own weather."""

    def __init__(self, name: str, browser: Browser, product: Product, slug: str, cookie: str, **options: Any) -> None:
        self.name, self.slug = name, slug
        self.weather: Weather = "fine"
        self.context: BrowserContext = browser.new_context(base_url=product.url, **options)
        self.context.set_default_timeout(20_000)
        key, _, value = cookie.partition("=")
        self.context.add_cookies([{"name": key, "value": value, "url": product.url}])
        self.context.route("**/api/**", self._pass)
        self.wrong: list[str] = []
        self.page: Page | None = None
        self.chance = random.Random(name)

    def _pass(self, route: Route) -> None:
        with contextlib.suppress(Error):  # the page may be gone by now
            if self.weather == "lossy" and self.chance.random() < 0.5:
                route.abort("connectionreset")
            elif self.weather == "deaf" and self.chance.random() < 0.5:
                route.fetch()  # the server has it, the page never hears of it
                route.abort("connectionreset")
            elif self.weather == "broken" and self.chance.random() < 0.7:
                route.fulfill(status=503, body="")
            else:
                route.continue_()

    def turn(self, weather: Weather) -> None:
        self.weather = weather
        self.context.set_offline(weather == "away")

    def open(self) -> Page:
        """The annotate page, opened where it is not."""
        if self.page is None or self.page.is_closed():
            self.page = self.context.new_page()
            self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
            self.page.on("dialog", self._leave)
        if STATE and not self._here():
            with contextlib.suppress(Error):
                self.page.goto(f"/c/{self.slug}/annotate/", timeout=15_000)
        return self.page

    def _here(self) -> bool:
        assert self.page
        try:
            return bool(self.page.evaluate(f"Boolean({STATE})"))
        except Error:
            return False

    @staticmethod
    def _leave(dialog: Dialog) -> None:
        with contextlib.suppress(Error):
            dialog.accept()

    def state(self) -> str:
        with contextlib.suppress(Error):
            return str(self.open().evaluate(STATE))
        return "gone"

    def task(self) -> int | None:
        with contextlib.suppress(Error):
            found = self.open().evaluate("unbleed.task?.id ?? null")
            return None if found is None else int(found)
        return None

    def ready(self, ledger: Ledger, chance: random.Random, seconds: float = 15.0) -> bool:
        """Whether a clip is ready to be worked on, soon; a notice with a way on is followed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.answer_questions(ledger, chance)
            if self.state() == "ready":
                return True
            with contextlib.suppress(Error):
                for label in ("Try again", "Try now"):
                    if (found := self.open().locator("#notice-actions button", has_text=label)).count():
                        found.first.click(timeout=1000)
            self.wait(200)
        return False

    def wait(self, milliseconds: float) -> None:
        with contextlib.suppress(Error):
            self.open().wait_for_timeout(milliseconds)

    def answer_questions(self, ledger: Ledger, chance: random.Random) -> None:
        """Answer dialogs of the page: what is half made becomes a mark, between two versions chance decides. What was asked is counted."""
        with contextlib.suppress(Error):
            page = self.open()
            for _ in range(3):
                dialog = page.locator("dialog[open]")
                if not dialog.count():
                    return
                title, task = dialog.first.locator("h2, p").first.inner_text().split("\n")[0][:70], self.task()
                ledger.asked[title] += 1
                buttons, primary = dialog.first.locator("button:visible"), dialog.first.locator("button.primary:visible")
                between = "two places" in title or "answered already" in title
                (primary.first if primary.count() else buttons.nth(chance.randrange(buttons.count()))).click(timeout=2000)
                page.wait_for_timeout(1000 if between else 100)
                if between and task is not None:
                    shown = set(times(page)) if self.task() == task else set()
                    ledger.left_out.setdefault(task, set()).update(ledger.made.get(task, set()) - shown)


class Person:
    """Works at one device at a time, and changes when they like."""

    def __init__(self, devices: list[Device], ledger: Ledger, chance: random.Random) -> None:
        self.devices, self.ledger, self.chance = devices, ledger, chance
        self.at = devices[0]

    def work(self) -> None:
        """Do one thing."""
        deeds = {
            self.add: 8,
            self.type_and_leave: 2,
            self.begin: 2,
            self.remove: 1,
            self.submit: 5,
            self.nothing: 1,
            self.skip: 1,
            self.back: 2,
            self.reload: 2,
            self.close: 1,
            self.change_device: 2,
        }
        if not self.at.ready(self.ledger, self.chance):
            self.ledger.did["waited in vain"] += 1
            if self.chance.random() < 0.3:
                self.change_device()
            return
        deed = self.chance.choices(list(deeds), list(deeds.values()))[0]
        try:
            deed()
            self.ledger.did[deed.__name__] += 1
        except Error as error:  # the page was changing under the hand: the person tries something else
            self.ledger.did[f"{deed.__name__}, in vain"] += 1
            if "Timeout" not in str(error) and "Execution context" not in str(error) and "closed" not in str(error):
                raise
        except LookupError:
            self.submit()
        self.at.answer_questions(self.ledger, self.chance)

    def _typed(self, *, enter: bool) -> None:
        page, task = self.at.open(), self.at.task()
        if task is None:
            return
        mark = self.ledger.new_mark(task, self.chance)
        try:
            page.fill("#add-start", f"{mark[0]:.2f}")
            page.fill("#add-end", f"{mark[1]:.2f}")
            if enter:
                page.press("#add-end", "Enter")
            made = self.at.task() == task
        except Error:
            self.ledger.made[task].discard(mark)
            raise
        if not made:
            self.ledger.made[task].discard(mark)

    def add(self) -> None:
        self._typed(enter=True)

    def type_and_leave(self) -> None:
        """Times typed into the form, and no word that they are a mark: submit finishes them."""
        self._typed(enter=False)
        self.submit()

    def begin(self) -> None:
        """Tap M, listen on a little, and go away or submit."""
        page, task = self.at.open(), self.at.task()
        if task is None:
            return
        page.locator("h1").click()
        page.evaluate("unbleed.player.seek(Math.random() * unbleed.player.duration / 2)")
        page.keyboard.press("m")
        page.keyboard.press("Space")
        page.wait_for_timeout(600)
        self.ledger.begun[task] += 1
        if self.chance.random() < 0.5:
            self.submit()

    def remove(self) -> None:
        page, task = self.at.open(), self.at.task()
        shown = [mark for mark in times(page) if task is not None and mark in self.ledger.made.get(task, ())]
        if not shown or task is None:
            return
        mark = self.chance.choice(shown)
        page.locator("#regions-rows tr").nth(times(page).index(mark)).locator("button").last.click()
        page.wait_for_timeout(150)
        if mark not in times(page):
            self.ledger.removed.setdefault(task, set()).add(mark)

    def submit(self) -> None:
        page = self.at.open()
        hear_all(page)
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(300)

    def nothing(self) -> None:
        page = self.at.open()
        if not times(page):
            hear_all(page)
            page.locator("h1").click()
            page.keyboard.press("n")
            page.wait_for_timeout(300)

    def skip(self) -> None:
        page = self.at.open()
        page.click("#skip")
        page.wait_for_timeout(200)

    def back(self) -> None:
        page = self.at.open()
        page.locator("h1").click()
        page.keyboard.press("b")
        page.wait_for_timeout(500)

    def reload(self) -> None:
        with contextlib.suppress(Error):
            self.at.open().reload(timeout=15_000)

    def close(self) -> None:
        self.at.open().close(run_before_unload=True)
        self.devices[0].wait(200)
        if self.at.page and not self.at.page.is_closed():
            self.at.page.close()

    def change_device(self) -> None:
        self.at = self.chance.choice([device for device in self.devices if device is not self.at])


def settle(devices: list[Device], ledger: Ledger, chance: random.Random) -> dict[str, list[str]]:
    """Let both devices send what they still hold; returns what stays unsent, by device."""
    until = time.monotonic() + SETTLE
    unsent = "Object.entries(localStorage).filter(([name]) => name.includes(':answer:')).map(([name]) => name)"
    left: dict[str, list[str]] = {}
    for device in devices:
        device.turn("fine")
    while time.monotonic() < until:
        left = {}
        for device in devices:
            device.ready(ledger, chance, 5)
            with contextlib.suppress(Error):
                if names := device.open().evaluate(unsent):
                    left[device.name] = names
        if not left:
            break
    for device in devices:
        device.wait(4000)  # a draft is on the server within two seconds
    return left


def kept(product: Product, devices: list[Device]) -> dict[int, set[Mark]]:
    """Every mark of every answer and draft by task, in the rows and in the browsers' own storage."""
    found: dict[int, set[Mark]] = {}

    def note(task: int, result: list[dict[str, Any]] | None) -> None:
        for region in result or []:
            value = region["value"]
            found.setdefault(task, set()).add((round(value["start"], 2), round(value["end"], 2)))

    for table in ("submission", "draft"):
        for task, result in product.sql(f"SELECT task_id, result FROM annotation_{table}"):
            note(task, result)
    drafts = "Object.entries(localStorage).filter(([name]) => /:(draft|other):/.test(name)).map(([name, text]) => [name, JSON.parse(text)])"
    for device in devices:
        with contextlib.suppress(Error):
            for name, entry in device.open().evaluate(drafts):
                if str(name.rsplit(":", 1)[1]).isdigit():
                    note(int(name.rsplit(":", 1)[1]), entry.get("result"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.evening", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=150)
    options = parser.parse_args()
    chance, ledger = random.Random(options.seed), Ledger()
    with TemporaryDirectory(prefix="unbleed evening ") as scratch:
        product = Product(Path(scratch) / "home")
        product.start()
        product.sql(HEARD_LONG_AGO)
        try:
            product.shell(f"from tests.browser.desk import set_up; set_up('evening', {options.clips}, {CLIP})")
            with sync_playwright() as playwright:
                return _evening(playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS), product, ledger, chance, options)
        finally:
            product.stop()


def _evening(browser: Browser, product: Product, ledger: Ledger, chance: random.Random, options: argparse.Namespace) -> int:
    cookie = product.sign_in("ann")
    devices = [
        Device("desk", browser, product, "evening", cookie, viewport={"width": 1360, "height": 900}),
        Device("sofa", browser, product, "evening", cookie, viewport={"width": 1024, "height": 800}),
    ]
    person = Person(devices, ledger, chance)
    began, next_weather, next_word = time.monotonic(), 0.0, 60.0
    while (now := time.monotonic() - began) < options.minutes * 60:
        if now >= next_weather:
            for device in devices:
                device.turn(chance.choices(list(WEATHERS), list(WEATHERS.values()))[0])
            next_weather = now + chance.uniform(5, 25)
        person.work()
        if now >= next_word:
            print(f"{now / 60:5.1f} min: {sum(ledger.did.values())} deeds, {sum(map(len, ledger.made.values()))} marks", flush=True)
            next_word = now + 60
    left = settle(devices, ledger, chance)
    found = kept(product, devices)
    lost = [
        (task, mark)
        for task, marks in ledger.made.items()
        for mark in sorted(marks - ledger.removed.get(task, set()) - ledger.left_out.get(task, set()))
        if mark not in found.get(task, set())
    ]
    accepted = "SELECT task_id, by_id FROM annotation_submission WHERE status = 'accepted'"
    doubled = product.sql(f"{accepted} GROUP BY 1, 2 HAVING count(*) > 1")
    answers = dict(product.sql("SELECT status, count(*) FROM annotation_submission GROUP BY 1"))
    n_marks = sum(map(len, ledger.made.values()))
    wrong = [error for device in devices for error in device.wrong]
    print(f"did: {dict(ledger.did.most_common())}")
    print(f"asked: {dict(ledger.asked.most_common())}")
    removed, left_out = (sum(map(len, marks.values())) for marks in (ledger.removed, ledger.left_out))
    print(f"answers: {answers}; {n_marks} marks made, {removed} removed, {left_out} left out by choice, {ledger.begun.total()} by the key")
    print(f"script errors: {wrong[:5]}; answers that stay unsent: {left}")
    print(f"lost: {len(lost)} {lost[:10]}; doubled: {len(doubled)}")
    return 1 if lost or doubled or left or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
