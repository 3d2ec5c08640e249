"""What waits for a person, in any campaign: jobs that failed or lack room, pauses, tracks set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from annotation.models import Campaign, Event
from annotation.selectors.tracks import tracks_to_look_at
from learner.models import ChosenBase, Job, Round

NAMED = 3  # tracks of a campaign that are named one by one


@dataclass(frozen=True)
class Trouble:
    """One thing in one campaign, and what to do about it. Some things somebody chose: they rest, and are not wrong."""

    campaign: Campaign
    what: str
    to_do: str
    chosen: bool = False

    def __str__(self) -> str:
        return f"Campaign {self.campaign.slug}: {self.what} {self.to_do}"


def troubles() -> list[Trouble]:
    """All that waits for a person, in every campaign that has not ended."""
    return [
        one
        for campaign in Campaign.objects.filter(ended=None, deleted=None).order_by("slug")
        for one in (*_waiting_for_room(campaign), *_without_base(campaign), *_given_up(campaign), *_paused(campaign), *_set_aside(campaign))
    ]


def _waiting_for_room(campaign: Campaign) -> Iterator[Trouble]:
    for job in Job.waiting_for_room().filter(campaign=campaign).order_by("pk"):
        yield Trouble(
            campaign, _sentence(f"Job {job.pk} ({job.kind}) {job.doing}"), "Make room: then it goes on by itself, within a minute."
        )


def _without_base(campaign: Campaign) -> Iterator[Trouble]:
    """The base that could not be brought, where the campaign still has none."""
    chosen = ChosenBase.objects.select_related("job").filter(campaign=campaign, campaign__shared_model=None).first()
    if chosen is not None and chosen.job.state == Job.State.FAILED:
        what = _sentence(f"The base {chosen.name} could not be brought: {chosen.job.reason}")
        yield Trouble(campaign, what, f"Then choose it again on {settings.PREFIX}/c/{campaign.slug}/.")


def _given_up(campaign: Campaign) -> Iterator[Trouble]:
    """The last round, where it failed (one after it shows that somebody went on), and the last comparison."""
    page = f"{settings.PREFIX}/c/{campaign.slug}/"
    last = Round.objects.filter(campaign=campaign).select_related("scoring").order_by("-number").first()
    if last is not None and last.state == Round.State.FAILED:
        failed = (
            Job.objects.filter(campaign=campaign, state=Job.State.FAILED)
            .exclude(kind__in=(*Job.PATIENT, Job.Kind.BASE))
            .order_by("-pk")
            .first()
        )
        reason = f": {failed.reason}" if failed else ""
        yield Trouble(campaign, _sentence(f"Round {last.number} failed{reason}"), f"Mend it, and press “Go on with rounds” on {page}.")
    comparison = Job.objects.filter(campaign=campaign, kind=Job.Kind.BASELINE).order_by("-pk").first()
    if comparison is not None and comparison.state == Job.State.FAILED:
        what = _sentence(f"The last comparison with replay alone was given up: {comparison.reason}")
        yield Trouble(campaign, what, f"Rounds do not wait for it, and the next one makes its own; see {page}.")


def _paused(campaign: Campaign) -> Iterator[Trouble]:
    if not campaign.paused:
        return
    by = Event.objects.filter(campaign=campaign, what="campaign.paused").select_related("who").order_by("-pk").first()
    to_do = f"No new round begins before somebody presses “Go on with rounds” on {settings.PREFIX}/c/{campaign.slug}/."
    if by is not None and by.who is None:
        yield Trouble(campaign, "It is paused, since a job was given up.", to_do)
    else:
        yield Trouble(campaign, f"It is paused{f' by {by.who.pseudonym}' if by and by.who else ''}.", to_do, chosen=True)


def _set_aside(campaign: Campaign) -> Iterator[Trouble]:
    tracks = tracks_to_look_at(campaign)
    named = [_sentence(f"{track.name} ({track.use}): {track.set_aside_reason}") for track in tracks[:NAMED]]
    n = tracks.count() if len(named) == NAMED else len(named)
    if not n:
        return
    more = [f"And {n - NAMED} more."] if n > NAMED else []
    what = f"{n} track{'s were' if n > 1 else ' was'} set aside. {' '.join([*named, *more])}"
    yield Trouble(campaign, what, f"Put back what is mended, or leave it out, on {settings.PREFIX}/c/{campaign.slug}/tracks/.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
