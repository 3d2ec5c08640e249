"""`{% state job.state %}`: how far a job, a round, a clip or a checkpoint is, everywhere in the same words and colours."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

COLOURS = {
    "good": {"done", "promoted", "closed", "current", "in use"},
    "warn": {"cancelled", "stale", "paused", "ended", "archived", "in review", "withdrawn"},
    "bad": {"failed", "refused"},
}
WORDS = {
    "pending": "not judged yet",
    "in review": "contested, in review",
    "scoring": "choosing clips",
    "annotating": "people are listening",
    "empty": "nothing was marked",
    "exhausted": "no clips left",
}


@register.simple_tag
def state(value: str, said: str = "") -> SafeString:
    """A badge for this state; `said`: words that tell more than its name does."""
    colour = next((f" {colour}" for colour, states in COLOURS.items() if value in states), "")
    return format_html('<span class="badge{}">{}</span>', colour, said or WORDS.get(value, value))
