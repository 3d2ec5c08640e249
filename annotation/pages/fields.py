"""Fields of what people's programs send: JSON's own kinds, taken as they are, and lists that are counted before they are read."""

from __future__ import annotations

import math
import re
from typing import Any

from rest_framework import serializers


class Number(serializers.FloatField):
    """A JSON number that is finite; no text that looks like one, no true."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class Whole(serializers.IntegerField):
    """A JSON number without a part behind the point."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return int(data)


class Text(serializers.CharField):
    """JSON text; no number that would become one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class Key(serializers.UUIDField):
    """A UUID as it is usually written, with its hyphens."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", data):
            self.fail("invalid", value=str(data)[:40])
        return super().to_internal_value(data)


class Items(serializers.ListField):
    """A list of at most so many: one that is longer is refused before anything in it is looked at."""

    def __init__(self, *, max_length: int, **rules: Any) -> None:
        super().__init__(max_length=max_length, **rules)
        self.most = max_length

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > self.most:
            self.fail("max_length", max_length=self.most)
        return super().to_internal_value(data)


class ByName(serializers.DictField):
    """An object with these names and no others; which they are is looked at before what they hold."""

    default_error_messages = {"other": "{other} is none of {names}."}

    def __init__(self, *, names: tuple[str, ...], **rules: Any) -> None:
        self.names = names
        super().__init__(**rules)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and (other := sorted(set(data) - set(self.names))):
            self.fail("other", other=repr(other[0][:40]), names=", ".join(self.names))
        return super().to_internal_value(data)
