"""Songs of one campaign in another one: the same files, and what the same checkpoint extracted from them; nothing is made anew."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Estimate, Membership, Stem, Task, Track
from learner.models import Checkpoint
from learner.selectors.checkpoints import current_checkpoint
from learner.services.checkpoints import share

COPIED = ("name", "domain", "artist", "album", "licence", "duration", "sample_rate", "channels", "fingerprint")


class OtherModel(DomainError):
    """These clips cannot be put before people of this campaign."""

    status = HTTPStatus.BAD_REQUEST


@transaction.atomic
def copy_songs(*, campaign: Campaign, tasks: Iterable[Task], who: Membership) -> int:
    """Have the songs of these tasks, which are of other campaigns, in the pool of this one, with what people hear of them.

    Who asks must be allowed to take them out of there. A campaign without a model begins with the one that extracted what is heard;
    one with a model takes clips of that one alone. Raises `OtherModel`; returns how many songs came.
    """
    tasks = list(tasks)
    if not tasks:
        return 0
    if other := next((task for task in tasks if task.stem != campaign.stem), None):
        raise OtherModel(f"Task {other.pk} is of {other.stem}, and this project marks {campaign.stem}.")
    current = current_checkpoint(campaign)
    model = current.hash if current else tasks[0].checkpoint
    if other := next((task for task in tasks if task.checkpoint != model), None):
        raise OtherModel(
            f"Task {other.pk} is of what checkpoint {other.checkpoint[:8]} extracts, and this project's is {model[:8]}: one has one model."
        )
    if current is None:
        share(campaign=campaign, checkpoint=Checkpoint.objects.get(hash=model), who=who)
    here = set(campaign.tracks.values_list("fingerprint", flat=True))
    songs = {task.track.fingerprint: task.track for task in tasks}
    for song in [one for fingerprint, one in songs.items() if fingerprint not in here]:
        _copy(song, campaign, who)
    _copy_estimates(campaign, songs.values(), model)
    return len(songs.keys() - here)


def _copy(song: Track, campaign: Campaign, who: Membership) -> None:
    track = Track.objects.create(campaign=campaign, use=Track.Use.POOL, **{name: getattr(song, name) for name in COPIED})
    Stem.objects.bulk_create(Stem(track=track, name=one.name, file=one.file, derived=one.derived) for one in song.stems.all())
    about = {"track": track.pk, "name": track.name, "use": track.use, "domain": track.domain, "from": song.campaign_id}
    record(campaign, "track.added", who=who, after=about)


def _copy_estimates(campaign: Campaign, songs: Iterable[Track], model: str) -> None:
    """What is not there yet; a song that this campaign had may lack it."""
    here = {track.fingerprint: track for track in campaign.tracks.filter(fingerprint__in=[song.fingerprint for song in songs])}
    for made in Estimate.objects.filter(track__in=list(songs), stem=campaign.stem, checkpoint=model).select_related("track"):
        Estimate.objects.get_or_create(track=here[made.track.fingerprint], stem=made.stem, checkpoint=model, defaults={"file": made.file})
