"""`fetch`: a base that others published, or a list of all bases."""

from __future__ import annotations

import argparse

from rich.table import Table

from learner.core import bases
from learner.core.cli.output import console, progress_bar


def fetch_base(options: argparse.Namespace) -> int:
    if options.base is None:
        return _list(options)
    from learner.core import checkpoint

    with progress_bar("fetching", "MB") as tell:
        path = bases.fetch(options.base, options.out, file=options.file, progress=tell)
    card = checkpoint.about(path).recipe
    print(f"{path}\nsha256 {checkpoint.file_hash(path)}\n{card['name']}, {card['by']}; licence {card['licence']}")
    if "sha256_from" in card:
        print(f"made of {card['file']}, sha256 {card['sha256']}: {card['sha256_from']}")
    return 0


def _list(options: argparse.Namespace) -> int:
    table = Table("base", "MB", "licence", "what it is", f"in {options.out}", box=None, header_style="bold")
    table.add_row(bases.SHIPPED, "", "ours", bases.ABOUT_SHIPPED, "comes with the program")
    for name, one in bases.BASES.items():
        lacks = f"no; needs pip install 'unbleed[{one.lacks}]'" if one.lacks else "no"
        here = "yes" if bases.is_here(name, options.out) else lacks
        table.add_row(name, str(one.size), one.licence, one.about, here)
    console().print(table)
    return 0
