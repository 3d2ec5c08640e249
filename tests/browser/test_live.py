"""What a page does when its WebSocket is closed: a server that went away is asked again, one that sent it away is left alone."""

import pytest
from playwright.sync_api import Page, WebSocketRoute

from tests.browser.annotating import Contexts
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"  # in a browser without windows every page is visible
LONG = 120_000  # milliseconds, four times the longest pause between two tries


def page_that_is_closed_with(code: int, open_context: Contexts) -> tuple[Page, list[WebSocketRoute]]:
    """A page whose WebSockets are all closed with this code, and those that it opened; time stands still for it."""
    page = open_context("listener").new_page()
    opened: list[WebSocketRoute] = []

    def close(socket: WebSocketRoute) -> None:
        opened.append(socket)
        socket.close(code=code)

    page.clock.install()
    page.route_web_socket("**/ws/events", close)
    page.goto("/")
    wait_for(lambda: page.get_by_title("Not live at the moment").count() and opened, "closed WebSocket", 60)
    return page, opened


def test_a_page_asks_again_when_the_server_went_away(open_context: Contexts, product: Product) -> None:
    page, opened = page_that_is_closed_with(1012, open_context)
    page.clock.run_for(LONG)
    assert len(opened) > 1


@pytest.mark.parametrize("code", [4001, 4003, 4008])
def test_a_page_that_is_sent_away_rests_until_somebody_looks_at_it(code: int, open_context: Contexts, product: Product) -> None:
    page, opened = page_that_is_closed_with(code, open_context)
    page.clock.run_for(LONG)
    assert len(opened) == 1
    page.evaluate(LOOK)
    wait_for(lambda: page.evaluate("1") and len(opened) == 2, "second WebSocket", 60)
    page.clock.run_for(LONG)
    assert len(opened) == 2
