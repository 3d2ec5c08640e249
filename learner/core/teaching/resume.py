"""What a killed run goes on from: a file that holds how far the run was, and that only the same run takes up."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from learner.core import checkpoint
from learner.core.teaching.ranks import Ranks


@dataclass(frozen=True)
class State:
    """The file that a killed run goes on from."""

    path: Path | None  # None: nothing is written and nothing is found
    fingerprint: str  # of the run
    ranks: Ranks

    def read(self) -> dict[str, Any] | None:
        """What was written last; None unless the file is there, is whole and is of this very run. The first process reads for all."""
        if self.path is None:
            return None
        content = self.ranks.share(self.path.read_bytes() if self.ranks.first and self.path.exists() else b"")
        digest, written = content[:32], content[32:]
        if hashlib.sha256(written).digest() != digest:
            return None
        found: dict[str, Any] = torch.load(io.BytesIO(written), map_location="cpu", weights_only=True)
        return found if found["fingerprint"] == self.fingerprint else None

    def write(self, held: Mapping[str, Any]) -> None:
        """Put tensors and plain values into the file, in place of what it held. The first process alone writes."""
        if self.path is None or not self.ranks.first:
            return
        content = io.BytesIO()
        torch.save({"fingerprint": self.fingerprint, **held}, content)
        written = content.getvalue()
        checkpoint.write_whole(self.path, hashlib.sha256(written).digest() + written)

    def remove(self) -> None:
        if self.path is not None and self.ranks.first:
            self.path.unlink(missing_ok=True)
