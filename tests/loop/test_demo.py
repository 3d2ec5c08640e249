"""The newcomer's command: a whole round on generated songs, and a second start that keeps what was there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.home import ROOT
from tests.product import Product

pytestmark = pytest.mark.loop
TABLE = ("parent", "child", "silence", "the mixture as it is", "constant gain", "replay without", "Gate: ")


def demo(home: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--rounds", "1", "--no-serve", "--seed", "7"],
        env=os.environ | {"UNBLEED_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_turns_the_loop_and_a_second_start_keeps_it(tmp_path: Path) -> None:
    product = Product(tmp_path / "demo home")
    said = demo(product.home)
    assert all(row in said for row in TABLE), said
    assert all(name in said for name in ("owner", "reviewer", "annotator")), "passwords are shown once"
    product.start()
    figures = "SELECT count(*), count(value) FROM learner_evaluation"
    ((n_figures, n_known),) = product.sql(figures)
    assert n_known > 60, "figures are kept as rows"
    tracks = product.sql("SELECT count(*) FROM annotation_track")
    product.stop()
    again = demo(product.home)
    assert "Generating songs" not in again
    product.start()
    assert product.sql("SELECT count(*) FROM annotation_track") == tracks
    assert product.sql(figures) == [(n_figures, n_known)]
    product.stop()
