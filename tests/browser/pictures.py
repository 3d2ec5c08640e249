"""The pictures of the documents for labs, taken of the running product: `make pictures` writes docs/pictures/*.png.

Runs the demo's two rounds on a data folder of its own, and makes a second campaign by the form, as a new lab would.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page

from hub.home import ROOT
from tests.browser.chromium import Chromium
from tests.product import Product

OUT = ROOT / "docs/pictures"
COLOURS = 128  # enough for pages, at a third of the bytes
SIZE = {"width": 1280, "height": 860}
IN_PAGES = {
    "campaign": "/c/demo/",
    "people": "/c/demo/people/",
    "study": "/campaigns/study/",
}
ASKED = """
from annotation.models import Mark
from learner.models import SharedModel
print(SharedModel.objects.get(campaign__slug="demo").current.hash, Mark.objects.latest("pk").submission.task.track_id)
"""


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unbleed pictures ") as scratch:
        home = Path(scratch) / "home"
        demo = [sys.executable, str(ROOT / "manage.py"), "demo", "--no-serve"]
        subprocess.run(demo, env=os.environ | {"UNBLEED_HOME": str(home)}, check=True)
        product = Product(home)
        product.start()
        try:
            digest, track = product.shell(ASKED).split()[-2:]
            _take(product, IN_PAGES | {"checkpoint": f"/c/demo/checkpoints/{digest}/", "track": f"/c/demo/tracks/{track}/"})
        finally:
            product.stop()


def _take(product: Product, pages: dict[str, str]) -> None:
    chromium = Chromium()
    context = chromium.new_context(base_url=product.url, viewport=SIZE, color_scheme="light", device_scale_factor=1)
    name, _, value = product.sign_in("owner").partition("=")
    context.add_cookies([{"name": name, "value": value.partition(";")[0], "url": product.url}])
    page = context.new_page()
    for picture, path in pages.items():
        page.goto(path)
        _keep(page, picture)
    _new_campaign(context, page)
    chromium.close()


def _new_campaign(context: BrowserContext, page: Page) -> None:
    page.goto("/campaigns/new/")
    page.fill("[name=name]", "Choir recordings")
    _keep(page, "new-campaign")
    page.locator("[name=name]").press("Enter")
    page.wait_for_url("**/c/**")
    campaign = page.url
    _keep(page, "before-the-first-round")
    page.goto(f"{campaign}tracks/add/")
    _keep(page, "add-songs")


def _keep(page: Page, picture: str) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)  # charts and waveforms are drawn
    whole = Image.open(io.BytesIO(page.screenshot()))
    whole.convert("RGB").quantize(COLOURS).save(OUT / f"{picture}.png", optimize=True)
    print(picture, page.url, flush=True)


if __name__ == "__main__":
    main()
