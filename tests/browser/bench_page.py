"""What the annotate page costs and how quickly one clip follows another: `make bench-page`.

Starts the product on a data folder of its own, opens the page in Chromium at 1440 px with software rendering, and prints how long a
first visit takes on a slow line, how much of the main thread's time goes by while a clip plays, how long it takes from submitting to
the next clip, what the page's memory grows by from clip to clip, and how quickly a practised hand is done with one. Nobody listens:
what was heard is told by the script. Other work on the machine makes the times longer; the processor's share of the main thread
(`cpu`) hardly changes by it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from tests.browser import bench_cold
from tests.browser.annotating import READY, add, hear_all, on_second_task, until
from tests.browser.chromium import FLAGS, PROGRAM
from tests.product import HEARD_LONG_AGO, Product

CLIP = (10.0, 25.0)  # seconds of the track
HEARS = f"""
import tempfile
from pathlib import Path
from annotation import services as annotating
from annotation.selectors import effects
from learner import services
from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE
from learner.core.separate import separate
from learner.core.songs.synth import make_song
from tests import worlds
campaign = worlds.campaign('bench-effect', min_overlap=1, max_overlap=1, hears_effects=True)
row = services.keep_checkpoint(file=SHIPPED_FILE)
worlds.with_model(campaign, row)
song = make_song(1, 'target', {CLIP[1]})
file = Path(tempfile.mkstemp()[1])
file.write_bytes(worlds.flac(separate(checkpoint.load(SHIPPED_FILE), song.mixture, song.sample_rate).T, song.sample_rate))
tasks = []
for name in ('one', 'two'):
    track = worlds.song(campaign, {{'mixture': worlds.flac(song.mixture.T, song.sample_rate)}}, name=name)
    annotating.keep_estimate(track=track, stem='vocals', checkpoint=row.hash, file=file)
    tasks += worlds.opened([worlds.clip(track, *{CLIP})], checkpoint=row.hash)
by = worlds.member(campaign)
for campaign.seed in range(1000):
    if all(effects.is_drawn(campaign, task, by) for task in tasks):
        break
campaign.save()
"""
AHEAD = "unbleed.ahead > 0"
TOOK = """(kind) => {
  const [from, to] = ['answered', kind].map((name) => performance.getEntriesByName(name).at(-1));
  return to && from && to.startTime > from.startTime ? to.startTime - from.startTime : null;
}"""


def metrics(devtools: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}


def playing(page: Page, devtools: CDPSession, seconds: float) -> dict[str, float]:
    """Shares of the main thread while a clip plays: `busy` by the clock, `cpu` by the processor; and `frames` drawn a second."""
    page.evaluate("unbleed.player.seek(0); unbleed.player.play()")
    until(page, "unbleed.player.time > 0.5", "sound")
    page.evaluate("window.frames_seen = 0; (function count() { frames_seen += 1; requestAnimationFrame(count); })()")
    before, frames, began = metrics(devtools), page.evaluate("frames_seen"), time.monotonic()
    time.sleep(seconds)
    after, frames, took = metrics(devtools), page.evaluate("frames_seen") - frames, time.monotonic() - began
    page.evaluate("unbleed.player.pause()")
    return {
        "busy": (after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"]),
        "cpu": (after["ThreadTime"] - before["ThreadTime"]) / took,
        "frames": frames / took,
    }


def next_clip(page: Page) -> dict[str, float]:
    """Answer the clip in hand; milliseconds until the next one can be heard, and until it can be marked."""
    until(page, AHEAD, "next clip, fetched ahead")
    page.wait_for_timeout(500)
    hear_all(page)
    page.keyboard.press("n")
    until(page, f"({TOOK})('playable') !== null && {READY}", "next clip")
    return {kind: page.evaluate(TOOK, kind) for kind in ("playable", "ready")}


def show(name: str, values: list[float], unit: str) -> None:
    print(f"{name:28} median {statistics.median(values):7.1f} {unit}, from {min(values):.1f} to {max(values):.1f} ({len(values)} times)")


def measure(url: str, cookie: str, slug: str, clips: int, seconds: float, slower: list[float]) -> dict[str, Any]:
    """Print and return the figures of the page at this address; its campaign, and `slug`-cold, have more open clips than `clips`.

    First visits are measured once for each factor of `slower`, by which the processor is slowed down.
    """
    key, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)

        def fresh() -> BrowserContext:
            made = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
            made.set_default_timeout(120_000)
            made.add_cookies([{"name": key, "value": value, "url": url}])
            return made

        print(f"load of the machine          {os.getloadavg()[0]:.1f} processes that want to run, {os.cpu_count()} processors")
        for factor in slower:
            context = fresh()
            bench_cold.show_cold(bench_cold.cold(context, f"{slug}-cold", factor), factor)
            context.close()
        context = fresh()
        page = context.new_page()
        page.goto(f"/c/{slug}/annotate/", wait_until="commit")
        until(page, READY, "clip")
        page.wait_for_timeout(2000)
        devtools = context.new_cdp_session(page)
        devtools.send("Performance.enable")
        share = playing(page, devtools, seconds)
        busy, cpu, frames = share["busy"], share["cpu"], share["frames"]
        print(f"while it plays               main thread {busy:.0%} busy, {cpu:.0%} cpu, {frames:.0f} frames a second")
        print(
            f"                             {1000 * cpu / frames:.1f} ms of processor a frame, {60 * cpu / frames:.0%} at 60 frames a second"
        )
        took, heap = [], []
        for _ in range(clips):
            took.append(next_clip(page))
            devtools.send("HeapProfiler.collectGarbage")
            heap.append(metrics(devtools)["JSHeapUsedSize"] / 2**20)
        for kind in ("playable", "ready"):
            show(f"submit to {kind}", [one[kind] for one in took], "ms")
        print(f"memory of scripts            {heap[0]:.1f} MiB after the first clip, {heap[-1]:.1f} MiB after {clips}")
        bench_cold.show_hand(*bench_cold.by_hand(page, 3))
        browser.close()
    return {"share": share, "took": took, "heap": heap}


def hear_effect(url: str, cookie: str, slug: str) -> None:
    """Print how long it takes from the key that asks what the marks of a clip change until it can be heard, with a worker that is idle."""
    key, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": key, "value": value, "url": url}])
        page = context.new_page()
        page.goto(f"/c/{slug}/annotate/")
        until(page, READY, "clip")
        add(page, 2.0, 4.0)
        add(page, 7.0, 9.0)
        hear_all(page)
        page.keyboard.press("Control+Enter")
        on_second_task(page)
        began, load = time.monotonic(), os.getloadavg()[0]
        page.locator("body").press("e")
        until(page, "!document.getElementById('effect-ready').hidden", "sound that is ready")
        print(f"marks to their effect        {time.monotonic() - began:.1f} s from the key until it can be heard (load {load:.1f} before)")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10, help="how many clips are answered")
    parser.add_argument("--seconds", type=float, default=8.0, help="for how long a clip plays")
    parser.add_argument("--slower", type=float, nargs="*", default=[1.0, 4.0], help="how much slower the processor is at a first visit")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        product = Product(Path(folder) / "home").start()
        try:
            product.sql(HEARD_LONG_AGO)
            product.shell(f"from tests.browser.desk import set_up\nset_up('bench', {chosen.clips + 8}, {CLIP})")
            product.shell(f"from tests.browser.desk import set_up_music\nset_up_music('bench-cold', 3, {CLIP})")
            product.shell(HEARS)
            cookie = product.sign_in("ann")
            measure(product.url, cookie, "bench", chosen.clips, chosen.seconds, chosen.slower)
            hear_effect(product.url, cookie, "bench-effect")
        finally:
            product.stop()


if __name__ == "__main__":
    main()
