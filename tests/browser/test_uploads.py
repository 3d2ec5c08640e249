"""Songs by the browser, with a server that dies and a page that is closed on the way."""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = """
from tests import worlds
worlds.member(worlds.campaign("uploads"), "uploader", "owner")
"""
N_BYTES = 6_000_000


def said(page: Page, name: str) -> str:
    return page.locator(f'#files li[data-path="{name}"] .upload-said').inner_text()


def answers(product: Product) -> bool:
    try:
        return product.get("/health/")[0] == 200
    except OSError:
        return False


def test_files_go_on_where_they_were_and_become_songs(open_context: Contexts, product: Product, tmp_path: Path) -> None:
    product.shell(SET_UP)
    product.shell(f"""
import numpy as np, soundfile
for name in ("first", "second"):
    soundfile.write({str(tmp_path)!r} + f"/{{name}}.wav", np.random.default_rng(len(name)).normal(0, .1, {N_BYTES} // 2), 16_000, "PCM_16")
""")
    context = open_context("uploader")
    page = context.new_page()
    page.goto("/c/uploads/")
    page.click("#first-steps >> text=Add songs >> nth=0")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.click("text=Go on to the files")
    page.wait_for_selector("#choose-files", state="attached")
    assert serious_faults(page) == [] and narrow(page) <= 360

    # A slow line; the web process is killed while the file is under way, and comes back by itself.
    devtools = context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_500_000}
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#choose-files", [tmp_path / "first.wav"])
    wait_for(lambda: "%" in said(page, "first.wav") and said(page, "first.wav") != "0 %", "first bytes", 60)
    assert page.is_disabled("#take-in")
    os.kill(product.children()["web"], signal.SIGKILL)
    where = page.url
    page.close(run_before_unload=False)

    # Opened again, it says how much is here; the same file goes on from there.
    # They may be chosen before the page's script is there.
    page = context.new_page()
    wait_for(lambda: answers(product), "the web process again", 60)
    held: list[Route] = []
    page.route("**/upload.*js", lambda route: held.append(route))
    page.goto(where, wait_until="commit")
    assert "choose the same file again" in said(page, "first.wav")
    page.set_input_files("#choose-files", [tmp_path / "first.wav", tmp_path / "second.wav"])
    wait_for(lambda: page.evaluate("true") and bool(held), "script on its way", 60)
    held[0].continue_()
    wait_for(lambda: page.inner_text("#upload-state") == "2 files are here.", "both files", 60)
    assert page.is_enabled("#take-in")
    page.click("#take-in")
    page.wait_for_selector("text=2 songs added", timeout=60_000)
    assert serious_faults(page) == [] and narrow(page) <= 360
    assert product.shell("from annotation.models import Track\nprint(Track.objects.filter(campaign__slug='uploads').count())") == "2"
