"""Listening tests: where their clips lie, what people say, and their end."""

from __future__ import annotations

from http import HTTPStatus

import numpy as np
from django.db import transaction
from django.utils.timezone import now

from annotation.core.differing import places
from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files.blind_sounds import compared
from annotation.models import ListeningClip, ListeningTest, Membership, Preference, Track
from annotation.selectors.listening import is_first, to_place, which_is
from annotation.services.first_visit import check_consent

ENOUGH = 2.0
"""Seconds of each of the two that a listener has to have heard; of a clip shorter than twice as long, half of it."""


class ListeningIsOver(DomainError):
    """This listening test has ended: nobody answers any more. Thank you."""


class NotHeard(DomainError):
    """Listen to both first, for some seconds each."""

    status = HTTPStatus.BAD_REQUEST


def place_clips(*, track: Track) -> int:
    """Give the clips of a song a place, as far as both of their checkpoints have separated it; returns how many.

    The same again where two workers do it at once: places follow from the sounds and the test's seed.
    """
    n = 0
    for test in {clip.test for clip in to_place(track)}:
        clips = list(test.clips.filter(track=track).order_by("number"))
        found = compared(track, test.checkpoint, test.other)
        where = places(
            found.apart,
            found.sounds,
            length=test.seconds,
            n=len(clips),
            most=test.place == ListeningTest.Place.MOST,
            generator=np.random.default_rng([test.seed, track.pk]),
            duration=track.duration,
        )
        gain, other_gain = found.gains
        with transaction.atomic():
            first = not test.clips.exclude(start=None).exists()
            placed = 0
            for clip, (start, end) in zip(clips, where, strict=False):
                here = test.clips.filter(pk=clip.pk, start=None)
                placed += here.update(start=start, end=end, gain=gain, other_gain=other_gain)
            test.clips.filter(pk__in=[clip.pk for clip in clips[len(where) :]]).delete()  # the song has no room for them
            if first and placed:
                record(test.campaign, "listening.ready", who=None, after={"test": test.pk})
        n += placed
    return n


@transaction.atomic
def prefer(*, clip: ListeningClip, by: Membership, better: str, leaks_less: str, heard: dict[str, float]) -> Preference:
    """Keep what a listener said of a clip, in place of what they said before: "a", "b" or "none"; `heard` in seconds {a, b, mix}.

    Raises `ListeningIsOver`, `NotHeard`, and `NotReady` of who withdrew consent.
    """
    check_consent(by)
    test = ListeningTest.objects.select_for_update(of=("self",), no_key=True).get(pk=clip.test_id)  # no answer crosses the end
    if test.ended:
        raise ListeningIsOver
    assert clip.start is not None and clip.end is not None
    enough = min(ENOUGH, (clip.end - clip.start) / 2)
    if min(heard.get(side, 0.0) for side in "ab") < enough:
        raise NotHeard
    said = {
        "better": which_is(clip, by, better),
        "leaks_less": which_is(clip, by, leaks_less) if test.asks_leak and leaks_less else "",
        "was_first": is_first(clip, by),
        "heard": heard,
        "created": now(),
    }
    return Preference.objects.update_or_create(clip=clip, by=by, defaults=said)[0]


@transaction.atomic
def end_test(*, test: ListeningTest, who: Membership) -> bool:
    """End a test, for good: the result is shown from now on. False: it has ended."""
    if not ListeningTest.objects.filter(pk=test.pk, ended=None).update(ended=now()):
        return False
    record(test.campaign, "listening.ended", who=who, after={"test": test.pk, "checkpoint": test.checkpoint, "other": test.other})
    return True
