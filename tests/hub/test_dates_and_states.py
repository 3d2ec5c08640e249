"""Dates and states are said alike on all pages: one format with its time zone, one spelling and one colour."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from django.utils import translation

from annotation.core import words
from hub.home import ROOT
from hub.templatetags.states import COLOURS, state
from hub.templatetags.when import when
from learner.models import Adaptation, Job

AT = datetime(2026, 11, 29, 8, 9, 18, tzinfo=UTC)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def test_a_moment_says_its_zone_on_pages_and_in_sentences_alike() -> None:
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert plain(when(there)) == words.moment(there) == "29 Nov 2026, 08:09 UTC"
    assert when(AT, "seconds") == '<time datetime="2026-11-29T08:09:18+00:00">29 Nov 2026, 08:09:18 UTC</time>'
    assert plain(when(date(2026, 1, 2), "day")) == words.day(datetime(2026, 1, 2, tzinfo=UTC)) == "2 Jan 2026"
    assert when(None) == ""
    with translation.override("de"):
        assert plain(when(datetime(2026, 10, 3, 8, 9, tzinfo=UTC))) == "3 Okt 2026, 08:09 UTC"


def test_no_template_writes_a_date_by_itself() -> None:
    assert len(TEMPLATES) > 100
    assert [path.name for path in TEMPLATES if re.search(r"\|(date|time)\b", path.read_text())] == []


def test_a_state_has_one_spelling_and_one_colour() -> None:
    assert state("failed") == '<span class="badge bad">failed</span>' == state(Job.State.FAILED)
    assert state("pending") == '<span class="badge">not judged yet</span>'
    assert state(Adaptation.Verdict.STALE, "stale: why") == '<span class="badge warn">stale: why</span>'
    named = [name for names in COLOURS.values() for name in names]
    assert len(named) == len(set(named))
    by_hand = re.compile(rf'class="badge[^"]*">(?:{"|".join(named)})<')
    assert [path.name for path in TEMPLATES if by_hand.search(path.read_text())] == []
