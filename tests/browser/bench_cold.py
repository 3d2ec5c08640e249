"""What `make bench-page` measures of a person: the first visit on a slow line, and a practised hand at the keys."""

from __future__ import annotations

import time

from playwright.sync_api import BrowserContext, Page

from tests.browser.annotating import READY, until

BYTES_A_SECOND = 125_000  # 1 Mbit/s
LATENCY = 100  # ms
MARKED = ((3.0, 4.5), (9.0, 10.5))  # clip seconds in which the hand holds the key
CAME = "performance.getEntriesByName('{}').at(0)?.startTime ?? 0"
TRANSFERRED = "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"


def cold(context: BrowserContext, slug: str, slower: float) -> dict[str, float]:
    """Seconds from the address to the first sound, to a page that marks and answers, and to Label Studio's waveform; bytes till then.

    The context has nothing in its cache; its processor is slowed down by `slower`.
    """
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    line = {"offline": False, "latency": LATENCY, "downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
    devtools.send("Network.emulateNetworkConditions", line)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(f"/c/{slug}/annotate/", wait_until="commit")
    until(page, CAME.format("ready"), "page that can be used")
    bytes_by_then = page.evaluate(TRANSFERRED)
    until(page, "unbleed.editor.isDrawn", "waveform", 300)
    found = {kind: page.evaluate(CAME.format(name)) / 1000 for kind, name in (("sound", "playable"), ("usable", "ready"))}
    found |= {"waveform": page.evaluate("performance.now()") / 1000, "megabytes": bytes_by_then / 1e6}
    page.close()
    return found


def by_hand(page: Page, clips: int) -> tuple[list[float], int]:
    """Seconds that each clip takes a practised hand at twice the speed, its two marks held, and the strokes for one clip.

    The next clip plays by itself. What a hand does when is told from the page, so the times say what the page asks of it.
    """
    page.evaluate("unbleed.act.speed(2); document.getElementById('go-on').click()")
    until(page, f"{READY} && unbleed.ahead > 0", "next clip, fetched ahead")
    page.keyboard.press("Space")
    took = []
    for _ in range(clips):
        until(page, f"{READY} && unbleed.player.playing", "clip that plays")
        task, began, strokes = page.evaluate("unbleed.task.id"), time.monotonic(), 0
        for start, end in MARKED:
            until(page, f"unbleed.player.time >= {start}")
            page.keyboard.down("m")
            until(page, f"unbleed.player.time >= {end}")
            page.keyboard.up("m")
            strokes += 1
        until(page, "unbleed.player.tell(); unbleed.heard.isEnough(unbleed.player.duration)", "enough that was heard")
        page.keyboard.press("Enter")
        strokes += 1
        until(page, f"unbleed.task && unbleed.task.id !== {task} && unbleed.player.playing", "next clip that plays")
        took.append(time.monotonic() - began)
    return took, strokes


def show_cold(found: dict[str, float], slower: float) -> None:
    print(
        f"cold, 1 Mbit/s and {LATENCY} ms     first sound {found['sound']:.1f} s, usable {found['usable']:.1f} s (after "
        f"{found['megabytes']:.2f} MB), waveform {found['waveform']:.1f} s; processor {slower:g} times slower"
    )


def show_hand(took: list[float], strokes: int) -> None:
    print(f"a clip of 15 s, two marks    {min(took):.1f} to {max(took):.1f} s at 2x, {strokes} strokes ({len(took)} times)")
