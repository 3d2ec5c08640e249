"""What the command line takes, read from text; each raises argparse.ArgumentTypeError, saying what is allowed."""

import argparse
import json
import math
from typing import Any


def seeds(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        found = range(int(first), int(last or first) + 1)
    except ValueError:
        found = range(0)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed such as 3, or a range such as 0-7")
    return found


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 0.9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 0.9")
    return value


def song_length(text: str) -> float:
    """Seconds of a generated song."""
    if (value := positive(text)) < 4:
        raise argparse.ArgumentTypeError(f"{text} s is too short; a generated song needs at least 4 s")
    return value


def json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON ({error})") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError('not a JSON object such as {"rate": 1e-4}')
    return value
