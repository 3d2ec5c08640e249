"""`{{ task.opened|when }}`: every page says dates and times alike, with the time zone: "29 Nov 2026, 08:09 UTC"."""

from datetime import UTC, date, datetime

from django import template
from django.utils.dateformat import format as written
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

FORMS = {"": "j M Y, H:i", "seconds": "j M Y, H:i:s", "day": "j M Y"}


@register.filter
def when(value: datetime | date | None, form: str = "") -> SafeString | str:
    """A <time> of this moment; `form`: nothing, "seconds" (they are said too) or "day" (a day says no time and no zone)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    zone = "" if form == "day" else " UTC"
    return format_html('<time datetime="{}">{}{}</time>', value.isoformat(), written(value, FORMS[form]), zone)
