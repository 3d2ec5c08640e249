"""A Chromium that cannot hold up the tests: what does not close in time is killed, and the next page gets a new one.

Playwright waits without limit for a browser that does not answer when a context is closed, and for a driver that does not end.
"""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright

PROGRAM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # root needs it; the pages are our own
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
CLOSING_SECONDS = 60.0


class Chromium:
    """Started by the first context that is asked for."""

    def __init__(self, closing_seconds: float = CLOSING_SECONDS) -> None:
        self._closing_seconds = closing_seconds
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def new_context(self, **options: Any) -> BrowserContext:
        if not self._browser:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        return self._browser.new_context(**options)

    def close_contexts(self) -> None:
        with self._in_time():
            for context in self._browser.contexts if self._browser else []:
                context.close()

    def close(self) -> None:
        self.close_contexts()
        with self._in_time():
            if self._browser:
                self._browser.close()
            self._stop()

    def _stop(self) -> None:
        if self._playwright:
            self._playwright.stop()
        self._playwright = self._browser = None

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Kill the driver and all browsers when what is done here takes too long, and warn; what fails because of that is no error."""
        killed: list[psutil.Process] = []
        killer = Timer(self._closing_seconds, lambda: killed.extend(kill_driver()))
        killer.daemon = True
        killer.start()
        try:
            yield
        except Error:
            if not killed:
                raise
        finally:
            killer.cancel()
            killer.join()
        if killed:
            self._stop()
            warnings.warn(f"Chromium did not close within {self._closing_seconds:.0f} s and was killed", stacklevel=2)


def started() -> list[psutil.Process]:
    """Playwright's driver, and after it the browsers with their helpers."""
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "run-driver" in child.cmdline():
                return [child, *child.children(recursive=True)]
    return []


def kill_driver() -> list[psutil.Process]:
    """Kill Playwright's driver with all that it started, and return them."""
    killed = started()
    for one in killed:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    return killed
