"""What a drill found: a table, and one line that says whether it held."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.drill.crowd import Figures


@dataclass
class Row:
    """One fault on one server."""

    server: str
    fault: str
    lasted: float = 0.0  # seconds
    ok: int = 0
    refused: int = 0
    failed: int = 0
    silence: float = 0.0  # seconds
    first: float = 0.0  # seconds
    counted: str = ""  # what `first` is counted from
    went_on: float = 0.0  # seconds from the fault's end until jobs and parts all went on
    doctor: str = ""  # what it said meanwhile, where it was asked
    load: float = 0.0
    lost: int = 0
    changed: int = 0
    doubled: int = 0
    over: int = 0
    kept: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)  # what somebody would have to do something about
    left_out: str = ""

    def hold(self, found: dict[str, int]) -> None:
        self.lost, self.changed, self.doubled, self.over = (found[name] for name in ("lost", "changed", "doubled", "over-assigned"))

    def see(self, found: Figures) -> None:
        self.ok, self.refused, self.failed = found.ok, found.refused, found.failed
        self.silence, self.first, self.failures = found.silence, found.first, dict(found.failures)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def all_is_well(self) -> bool:
        """Said by `doctor` in the middle of a fault."""
        return self.doctor == "all is well"

    def sentence(self) -> str:
        said = [
            f"{self.fault}: first answer {self.first:.1f} s {self.counted}, silence {self.silence:.1f} s, {self.ok} ok,",
            f"{self.refused} refused in words, {self.failed} failed; all went on after {self.went_on:.0f} s",
            *(f"; {n} x {what}" for what, n in sorted(self.failures.items(), key=lambda one: -one[1])[:4]),
            *(f"; lacking: {what}" for what in self.lacking),
        ]
        return " ".join(said)


HEADINGS = ("fault", "server", "lasted", "ok", "refused", "failed", "silence", "first answer", "all went on", "doctor", "by itself", "load")


def show(rows: list[Row]) -> int:
    """Print it all; returns the exit status."""
    cells = [HEADINGS, *(_cells(row) for row in rows if row.fault != "all of it")]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEADINGS))]
    print()
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for row in rows:
        for what in row.lacking:
            print(f"{row.server} {row.fault}: {what}")
        if row.all_is_well:
            print(f"{row.server} {row.fault}: doctor said that all was well")
    total = {name: sum(getattr(row, name) for row in rows) for name in ("kept", "lost", "changed", "doubled", "over", "failed")}
    hands = sum(bool(row.lacking) or row.all_is_well for row in rows)
    counted: dict[str, list[str]] = {}
    for row in rows:
        if row.counted:
            counted.setdefault(row.counted, []).append(f"{row.fault} ({row.server})")
    print("\nThe first answer is counted", "; ".join(f"{how}: {', '.join(which)}" for how, which in counted.items()))
    print(
        f"Machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} now, before each fault as in the table (the drill's own included)."
    )
    print(
        f"Of {total['kept']} acknowledged answers: lost {total['lost']}, changed {total['changed']}, doubled {total['doubled']}, "
        f"over-assigned {total['over']}; failed otherwise {total['failed']}, needing a hand {hands}"
    )
    return int(any(total[name] for name in ("lost", "changed", "doubled", "over", "failed")) or hands > 0)


def _cells(row: Row) -> tuple[str, ...]:
    if row.left_out:
        return (row.fault, row.server, "left out: " + row.left_out, *[""] * (len(HEADINGS) - 3))
    return (
        row.fault,
        row.server,
        f"{row.lasted:.0f} s" if row.lasted else "a moment",
        str(row.ok),
        str(row.refused),
        str(row.failed),
        f"{row.silence:.1f} s",
        f"{row.first:.1f} s",
        f"{row.went_on:.0f} s",
        row.doctor or "-",
        "no" if row.lacking else "yes",
        f"{row.load:.1f}",
    )
