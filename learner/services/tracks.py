"""What managers say of tracks: use and domain only as long as nothing was made of them; artist, album and licence whenever they like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import services as annotating
from annotation.models import Campaign, Membership, Stem, Task, Track
from annotation.services.tracks import DESCRIBED
from learner.models import Adaptation, Job

AT_WORK = (Job.Kind.SCORE, Job.Kind.ADAPT, Job.Kind.BASELINE, Job.Kind.RESCORE)  # jobs that read which songs are for what


@dataclass(frozen=True)
class Changed:
    """What came of a change: how many tracks changed, and why others did not, by their names."""

    n: int
    refused: dict[str, str] = field(default_factory=dict)


def checked(name: str, value: str) -> str:
    """A value as the field may hold it. Raises `ValidationError`."""
    if name not in DESCRIBED:
        raise ValidationError({name: [f"{name} cannot be changed; what can is {', '.join(DESCRIBED)}."]})
    clean = value.replace("\0", "").strip()
    Track(**{name: clean}).clean_fields(exclude={field.name for field in Track._meta.get_fields()} - {name})
    return clean


@transaction.atomic
def change_tracks(*, campaign: Campaign, who: Membership, wanted: Mapping[int, Mapping[str, str]]) -> Changed:
    """Give tracks, by their ids, new values, by field. Where use or domain may not change, a track stays as it is in all fields.

    Raises `ValidationError` for a value that no track may have; ids that the campaign does not have are passed over.
    """
    values = {pair: checked(*pair) for pair in {pair for of_track in wanted.values() for pair in of_track.items()}}
    clean = {pk: {name: values[name, value] for name, value in of_track.items()} for pk, of_track in wanted.items()}
    # No round begins meanwhile: `start_round` takes the same lock.
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    refused = _refused(campaign, {pk: of_track for pk, of_track in clean.items() if {"use", "domain"} & of_track.keys()})
    left = {pk: of_track for pk, of_track in clean.items() if pk not in refused}
    n = annotating.describe(campaign=campaign, who=who, wanted=left)
    return Changed(n, {name: reason for name, reason in refused.values()})


def _refused(campaign: Campaign, wanted: Mapping[int, Mapping[str, str]]) -> dict[int, tuple[str, str]]:
    """The tracks whose use or domain would change and may not: name and reason by id."""
    if not wanted:
        return {}
    stem = Stem.objects.filter(track=OuterRef("pk"), name=campaign.stem)
    tracks = campaign.tracks.filter(pk__in=wanted).annotate(
        heard=Exists(Task.objects.filter(track=OuterRef("pk"))),
        learned=Exists(Adaptation.objects.filter(campaign=campaign, job__created__gte=OuterRef("added"))),
        has_stem=Exists(stem),
    )
    changing = [
        one for one in tracks if any(getattr(one, name) != wanted[one.pk].get(name, getattr(one, name)) for name in ("use", "domain"))
    ]
    if not changing:
        return {}
    if Job.objects.filter(campaign=campaign, kind__in=AT_WORK, state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
        reason = "A job works with the songs just now: change what they are for when it has ended."
        return {one.pk: (one.name, reason) for one in changing}
    moved = {one.pk: wanted[one.pk].get("use", one.use) for one in changing}
    elsewhere = _same_mixture_elsewhere(campaign, changing, moved)
    found = {one.pk: _reason(one, moved[one.pk], campaign.stem) or elsewhere.get(one.pk, "") for one in changing}
    return {one.pk: (one.name, found[one.pk]) for one in changing if found[one.pk]}


def _reason(track: Track, use: str, stem: str) -> str:
    """Why this track's use or domain may not change; empty: it may. `track` is annotated by `_refused`."""
    about_use = use != track.use
    if about_use and track.heard:  # type: ignore[attr-defined]
        return "People were given clips of it, so it stays in the pool: held out once, held out always."
    if track.learned and (about_use or track.use != Track.Use.POOL):  # type: ignore[attr-defined]
        what = "use" if about_use else "domain"
        return f"A model was taught or judged while it was for {track.use}, {track.domain}: its {what} stays, so that figures stay true."
    if about_use and use not in Track.TAKE_MIXES and not track.has_stem:  # type: ignore[attr-defined]
        return f"It is a mix without its {stem}: songs for {use} need it."
    return ""


def _same_mixture_elsewhere(campaign: Campaign, changing: Iterable[Track], moved: Mapping[int, str]) -> dict[int, str]:
    """Of tracks whose mixture another track has, for another use than theirs would be: why they may not change."""
    mine = dict(Stem.objects.filter(track__in=moved, name="mixture").values_list("track_id", "file"))
    same: QuerySet[Stem] = Stem.objects.filter(track__campaign=campaign, name="mixture", file__in=set(mine.values())).select_related(
        "track"
    )
    by_file: dict[str, list[Track]] = {}
    for stem in same:
        by_file.setdefault(stem.file, []).append(stem.track)
    found = {}
    for track in changing:
        others = (
            one for one in by_file.get(mine.get(track.pk, ""), ()) if one.pk != track.pk and moved.get(one.pk, one.use) != moved[track.pk]
        )
        if other := next(others, None):
            found[track.pk] = f"Its mixture is in the campaign for {moved.get(other.pk, other.use)} too, as {other.name}."
    return found
