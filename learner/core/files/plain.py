"""Figures as JSON can hold them."""

import math
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """The same value as JSON can hold it: keys are text, paths too, and what is not finite is null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
