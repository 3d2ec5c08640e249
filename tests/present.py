"""For what may be absent elsewhere and is there in a test."""

from typing import TypeVar

Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """Return the value; fail where there is none."""
    assert value is not None
    return value
