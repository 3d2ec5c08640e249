"""What an import meets in a campaign: its songs by their names, the clips that are there, the answers that are known already."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotation.core.label_studio import Marks
from annotation.core.regions import Region
from annotation.models import Campaign, Estimate, Membership, Submission, Task, Track

NEAR = 0.05  # seconds by which the ends of a clip may differ from those of one that is there
KEYS = uuid.UUID("3b0ad8a5-8b39-4f0e-9a4e-5d1a5b7f0c19")  # of imported answers


@dataclass(frozen=True, slots=True)
class Song:
    """A track, as far as an import has to know it."""

    pk: int
    name: str
    fingerprint: str
    duration: float
    use: str
    kept_apart: bool
    set_aside: bool


class Songs:
    """The tracks of a campaign by whatever may name them: fingerprint, path, the end of a path, with and without the file's ending."""

    def __init__(self, campaign: Campaign) -> None:
        self._found: dict[str, Song | None] = {}
        rows = Track.objects.filter(campaign=campaign).order_by("pk")
        about = rows.values_list("pk", "name", "fingerprint", "duration", "use", "kept_apart", "set_aside")
        shorter: dict[str, set[int]] = {}
        by_pk: dict[int, Song] = {}
        for pk, name, fingerprint, duration, use, kept_apart, set_aside in about.iterator(chunk_size=2000):
            song = by_pk[pk] = Song(pk, name, fingerprint, duration, use, kept_apart, set_aside is not None)
            self._found[fingerprint] = song
            self._found[name.casefold()] = song if name.casefold() not in self._found else None
            parts = name.casefold().split("/")
            for first in range(len(parts)):
                for end in (parts[-1], _without_ending(parts[-1])):
                    key = "/".join([*parts[first:-1], end])
                    for spelled in {key, "_".join(key.split())}:  # formats of words know no blanks
                        shorter.setdefault(spelled, set()).add(pk)
        for name, pks in shorter.items():
            self._found.setdefault(name, by_pk[next(iter(pks))] if len(pks) == 1 else None)

    def named(self, names: Iterable[str]) -> tuple[Song | None, str]:
        """The song that the first of these names which are known here means; else None, and why, as the rest of a sentence."""
        names = list(names)
        for name in names:
            for key in (name.casefold(), _without_ending(name.casefold())):
                if song := self._found.get(key):
                    return song, ""
                if key in self._found:
                    return None, f"names {name[:100]!r}, which several songs here are called: give the whole path."
        return None, f"is of {names[0][:100]!r}, which no song here is called." if names else "says nothing of which song it is of."


def _without_ending(name: str) -> str:
    """`a/b.c.wav` -> `a/b.c`; only what looks like the ending of a file."""
    start, dot, ending = name.rpartition(".")
    return start if dot and start and len(ending) <= 5 and ending.isalnum() and "/" not in ending else name


@dataclass(frozen=True)
class Planned:
    """One answer on its way into the campaign; times in seconds of the song."""

    where: str
    song: Song
    clip: Region
    marks: Marks
    result: list[dict]
    person: str
    key: uuid.UUID
    said: dict
    checkpoint: str = ""  # whose estimate the file says was heard


def key_of(campaign: Campaign, song: Song, clip: Region, person: str, said: dict, marks: Marks) -> uuid.UUID:
    """The same for the same answer of the same file's person, whatever it is imported as: so it is kept once."""
    of_file = [said.get("unique_id") or said.get("created_at") or said.get("id")]
    spans = [[[round(value, 3) for value in one[:2]] for one in kind] for kind in (marks.wrong, marks.missing)]
    whole = [campaign.pk, song.fingerprint, campaign.stem, round(clip.start, 2), round(clip.end, 2), person, of_file, spans]
    return uuid.uuid5(KEYS, hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest())


def own_key(said: dict) -> uuid.UUID | None:
    """The key of an answer that comes back from an export of ours, or of Label Studio's own."""
    try:
        return uuid.UUID(str(said.get("unique_id")))
    except ValueError:
        return None


@dataclass
class There:
    """What is there already of the songs of some planned answers."""

    tasks: dict[int, list[Task]] = field(default_factory=dict)  # by track, newest first
    extracted: set[int] = field(default_factory=set)  # tracks with an estimate of the current checkpoint
    known: set[uuid.UUID] = field(default_factory=set)

    @classmethod
    def of(cls, campaign: Campaign, current: str, songs: Iterable[int]) -> There:
        """Of these tracks; `known` is for `knows` to fill."""
        pks = sorted({*songs})
        tasks = Task.objects.filter(campaign=campaign, track__in=pks, stem=campaign.stem, kind=Task.Kind.POOL)
        found = cls()
        for task in tasks.exclude(state=Task.State.WITHDRAWN).order_by("-pk"):
            found.tasks.setdefault(task.track_id, []).append(task)
        estimates = Estimate.objects.filter(track__in=pks, stem=campaign.stem, checkpoint=current) if current else Estimate.objects.none()
        found.extracted = set(estimates.values_list("track_id", flat=True))
        return found

    def clips(self, song: Song, current: str) -> list[Region]:
        """Clips of what the current checkpoint extracted from a song."""
        return [task.clip for task in self.tasks.get(song.pk, ()) if task.checkpoint == current]

    def task(self, song: Song, clip: Region, checkpoint: str, current: str) -> Task | None:
        """The task of this clip: of what the file says was heard, else of the current checkpoint, else the newest."""
        near = [one for one in self.tasks.get(song.pk, ()) if abs(one.start - clip.start) <= NEAR and abs(one.end - clip.end) <= NEAR]
        wanted = [[one for one in near if one.checkpoint == hash_] for hash_ in (checkpoint, current)]
        return next((some[0] for some in [*wanted, near] if some), None)

    def begins(self, song: Song, clip: Region, current: str) -> Task | None:
        """A task of another length of the current checkpoint, which begins where this clip does: there may be one only."""
        return next((one for one in self.tasks.get(song.pk, ()) if one.start == clip.start and one.checkpoint == current), None)


def known_keys(campaign: Campaign, keys: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these keys that answers of the campaign have."""
    return set(Submission.objects.filter(client_key__in=keys, task__campaign=campaign).values_list("client_key", flat=True))


def suggested_people(campaign: Campaign, people: dict[str, str], own: dict[str, uuid.UUID]) -> dict[str, Membership]:
    """Members who seem to be the people of a file.

    `people` are what each is called there, by its key; `own` is the key of one answer of each, where it may be an export of ours.
    """
    by_answer = dict(
        Submission.objects.filter(client_key__in=own.values(), task__campaign=campaign).values_list("client_key", "by_id")
    )  # fmt: skip
    names = {name.casefold() for name in [*people, *people.values()] if name}
    members: dict[str, Membership] = {}
    by_pk: dict[int, Membership] = {}
    for one in campaign.memberships.select_related("user"):
        by_pk[one.pk] = one
        for name in (one.pseudonym, getattr(one.user, "email", ""), one.user.get_username() if one.user else ""):
            if name and name.casefold() in names:
                members.setdefault(name.casefold(), one)
    found: dict[str, Membership] = {}
    for key, shown in people.items():
        member = by_pk.get(by_answer.get(own.get(key, KEYS), -1)) or members.get(shown.casefold()) or members.get(key.casefold())
        if member:
            found[key] = member
    return found
