"""Many large songs brought by a browser that is killed, to a web process that is killed: `make bench-uploads`.

Starts the product on a data folder of its own, makes songs of noise, and drops them all on the page. At a third of the bytes the web
process is killed; at two thirds the browser is, and a new one gets the same files. Prints what was here before and after each, and
ends with 1 unless every song is here whole, each with the length that it has, and no byte that was here had to be sent again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import django
import numpy as np
import psutil
import soundfile
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from tests.browser.chromium import FLAGS, PROGRAM
from tests.product import Product, wait_for

SET_UP = "from tests import worlds\nworlds.member(worlds.campaign('uploads'), 'uploader', 'owner')"
COUNT = """
from annotation.models import Track
for track in Track.objects.filter(campaign__slug='uploads').order_by('name'):
    print(track.name, round(track.duration, 3))
"""
RATE = 44_100  # Hz
HOURS = 3600.0  # seconds to wait for: how long it takes is the machine's matter
LOST = 16e6  # bytes that may be under way when a process is killed


def make_songs(folder: Path, n: int, n_bytes: float) -> dict[str, float]:
    """Stereo noise of 16 bits; the seconds of each by its name."""
    noise = (np.random.default_rng(0).normal(0, 3000, (RATE, 2))).astype(np.int16)
    made = {}
    for number in range(n):
        name, seconds = f"song-{number:02}", int(n_bytes / RATE / 4) + number
        with soundfile.SoundFile(folder / f"{name}.wav", "w", RATE, 2, "PCM_16") as file:
            for _ in range(seconds):
                file.write(noise)
        made[name] = float(seconds)
    return made


def here(product: Product) -> int:
    """Bytes of the songs that lie in the product's folder of uploads."""
    return sum(file.stat().st_size for file in (product.home / "uploads").rglob("*") if file.is_file())


def dropped(playwright: Playwright, profile: Path, product: Product, address: str, songs: list[Path]) -> tuple[BrowserContext, Page]:
    """A browser of its own at this address, with the songs dropped on it."""
    context = playwright.chromium.launch_persistent_context(profile, executable_path=PROGRAM, args=FLAGS)
    key, _, value = product.sign_in("uploader").partition("=")
    context.add_cookies([{"name": key, "value": value, "url": product.url}])
    page = context.pages[0]
    page.goto(address)
    if page.locator("text=Go on to the files").count():
        page.click("text=Go on to the files")
    page.wait_for_selector("#choose-files", state="attached")
    page.set_input_files("#choose-files", songs)
    return context, page


def until_here(product: Product, n_bytes: float, least: int = 0) -> int:
    """Wait for so many bytes; `least` must not get lost on the way."""

    def enough() -> int | None:
        now = here(product)
        if now < least - LOST:
            raise SystemExit(f"{least / 1e6:.0f} MB were here, and only {now / 1e6:.0f} MB still are")
        return now if now >= n_bytes else None

    return wait_for(enough, f"{n_bytes / 1e6:.0f} MB", HOURS) or 0


def kill_browser(profile: Path) -> None:
    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={profile}" in (process.info["cmdline"] or []):
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--megabytes", type=float, default=100.0, help="of each file")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "UNBLEED_HOME": folder,
        }  # what looks for the web process is a part of Django
        django.setup()
        songs = Path(folder) / "songs"
        songs.mkdir()
        seconds = make_songs(songs, chosen.files, 1e6 * chosen.megabytes)
        files = sorted(songs.iterdir())
        total = sum(file.stat().st_size for file in files)
        print(f"load {os.getloadavg()[0]:.1f}; {len(files)} songs, {total / 1e6:.0f} MB")
        product = Product(Path(folder) / "home").start()
        try:
            product.shell(SET_UP)
            took = bring(product, Path(folder), files, total)
            print(f"{took:6.1f} s  all taken in")
            came = {name: float(length) for name, length in (line.rsplit(" ", 1) for line in product.shell(COUNT).splitlines())}
            if came != seconds:
                sys.exit(f"these songs came: {came}, not these: {seconds}")
            print(f"all {len(came)} songs are here, each as long as it was")
        finally:
            product.stop()


def bring(product: Product, folder: Path, files: list[Path], total: int) -> float:
    """Bring the songs in spite of both kills; returns the seconds that it took."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with sync_playwright() as playwright:
        _, page = dropped(playwright, folder / "profile", product, f"{product.url}/c/uploads/tracks/add/", files)
        before = until_here(product, total / 3)
        os.kill(product.children()["web"], signal.SIGKILL)
        say(f"the web process is killed at {before / 1e6:.0f} MB")
        before = until_here(product, total / 3 * 2, before)
        where = page.url
        kill_browser(folder / "profile")
        before = here(product)
        say(f"the browser is killed at {before / 1e6:.0f} MB")
    with sync_playwright() as playwright:
        context, page = dropped(playwright, folder / "another profile", product, where, files)
        say(f"a new browser gets the files with {here(product) / 1e6:.0f} MB here")
        until_here(product, total, before)
        wait_for(lambda: page.is_enabled("#take-in"), "all files", HOURS)
        say(page.inner_text("#upload-state"))
        page.click("#take-in")
        page.wait_for_selector(f"text={len(files)} songs added", timeout=1000 * HOURS)
        context.close()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
