"""Whom a page reaches: what axe-core finds wrong with it, and how wide it gets on a telephone."""

from importlib import resources

from playwright.sync_api import Page

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is: its serious and critical faults, with the elements."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found if one["impact"] in ("serious", "critical")]


def narrow(page: Page) -> int:
    """How wide the page gets on a telephone; the window is as it was afterwards."""
    page.set_viewport_size({"width": 360, "height": 780})
    width: int = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1360, "height": 900})
    return width
