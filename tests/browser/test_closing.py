"""A browser that hangs holds up no test: closing it ends all the same."""

from collections.abc import Iterator

import psutil
import pytest

from tests.browser.chromium import Chromium, started
from tests.browser.conftest import need_chromium

pytestmark = pytest.mark.browser


@pytest.fixture
def chromium() -> Iterator[Chromium]:
    need_chromium()
    chromium = Chromium(closing_seconds=1.0)
    yield chromium
    chromium.close()


def ended(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]


def test_a_context_of_a_browser_that_hangs_is_closed_and_the_next_one_opens(chromium: Chromium) -> None:
    chromium.new_context().new_page()
    running = started()
    for one in running[1:]:
        one.suspend()
    with pytest.warns(UserWarning, match="did not close within 1 s and was killed"):
        chromium.close_contexts()
    assert ended(running)
    page = chromium.new_context().new_page()
    page.goto("data:text/html,<title>alive</title>")
    assert page.title() == "alive"


def test_a_driver_that_hangs_is_closed(chromium: Chromium) -> None:
    chromium.new_context().new_page()
    chromium.close_contexts()
    running = started()
    running[0].suspend()
    with pytest.warns(UserWarning, match="did not close within 1 s and was killed"):
        chromium.close()
    assert ended(running)
