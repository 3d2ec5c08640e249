"""Answers from elsewhere into a campaign: looked at first, then kept one by one, each whole or not at all, and never twice.

An imported answer is an answer as any other: overlap and closing stay the campaign's, one for a closed clip is surplus. It carries
where it came from (`Provenance`), and nobody knows what was heard for it. A clip that nobody was asked about yet is opened on what the
current checkpoint extracts, outside any round, if the answer has marks: that there is no voice in the mix stays true for every model.
That nothing was marked says something of one estimate alone, so such an answer needs the clip that it was given to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from annotation.core import label_studio, questions
from annotation.core.errors import DomainError
from annotation.core.formats.reading.faults import BadFile, Fault
from annotation.core.formats.reading.label_studio import (
    LONGEST_CLIP,
    Given,
    Lenient,
    Meaning,
    TaskRead,
    is_ours,
    marks_of,
    original_length,
    past_the_end,
)
from annotation.core.formats.reading.pieces import pieces
from annotation.core.imported import PREDICTIONS, Report
from annotation.core.regions import BadRegion, Region, clamp
from annotation.events import record
from annotation.models import Campaign, Draft, Membership, Proposal, Provenance, Submission, Task, Track
from annotation.selectors.access import NotReady
from annotation.selectors.imports import Planned, Song, Songs, There, key_of, known_keys, own_key
from annotation.services.campaigns import add_member
from annotation.services.proposals import propose
from annotation.services.queue import Clip, pool_row, submit

NO_ROUND = 0  # clips that an import opens belong to no round and hold none up
MOST_PEOPLE = 500
SHORTEST_CLIP = 1.0  # seconds
LENGTHS_AGREE = 1.0  # seconds that a file may be longer or shorter than the song or the clip that it is said to be
OUT, NEW = "out", "new"
IMPORTED = "imported"
UNKNOWN_VERSION = 0  # of the consent and the instructions that somebody elsewhere had read


class BadChoice(DomainError, ValueError):
    """This person cannot be who answers of the file are of."""


@dataclass
class Import:
    """What is being imported, and how. `people` says who each person of the file is here: see `member_of`."""

    campaign: Campaign
    current: str  # hash of the checkpoint that the campaign uses now; empty: none
    source: str
    file: str
    batch: uuid.UUID
    people: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    others: Meaning | None = None  # what labels mean that are not among these
    lines: bool = False  # a file of labels: each line stands for itself
    report: Report = field(default_factory=Report)
    _songs: Songs | None = None
    _members: dict[str, Membership | None] = field(default_factory=dict)
    _opened: set[tuple[int, float]] = field(default_factory=set)

    @property
    def songs(self) -> Songs:
        self._songs = self._songs or Songs(self.campaign)
        return self._songs

    # ------------------------------------------------------------ reading

    def match(self, tasks: Iterable[TaskRead]) -> list[tuple[TaskRead, Song]]:
        """Those of the file's tasks whose song is here and may be asked about; the others are counted in `report`."""
        matched = []
        for read in tasks:
            self.report.tasks += 1
            if song := self.song_of(read):
                matched.append((read, song))
        return matched

    def plan(self, matched: Sequence[tuple[TaskRead, Song]]) -> list[Planned]:
        """What people say in these tasks; what cannot be used is counted in `report`."""
        planned: list[Planned] = []
        there = There.of(self.campaign, self.current, [song.pk for _, song in matched])
        own = [key for read, _ in matched for given in read.annotations if (key := own_key(given.said))]
        known = known_keys(self.campaign, own)
        for read, song in matched:
            self.report.cancelled += read.n_cancelled
            for given in read.annotations:
                if given.person not in self.report.people and len(self.report.people) >= MOST_PEOPLE:
                    raise BadFile(f"It names more than {MOST_PEOPLE} people: bring it in parts.")
                about = self.report.people.setdefault(given.person, {"shown": given.shown, "answers": 0, "own": ""})
                about["answers"] += 1
                if key := own_key(given.said):
                    about["own"] = about["own"] or str(key)
                    if key in known:
                        self.report.known += 1
                        continue
                try:
                    planned += self._answers(given, read, song, there)
                except BadRegion as bad:
                    self.report.fault(fault_of(given, bad))
        return planned

    def song_of(self, read: TaskRead) -> Song | None:
        """The song of a task, if it is one that people may be asked about; else why not is counted."""
        for fault in [*read.faults, *read.line_faults]:
            self.report.fault(fault)
        if read.faults:
            return None
        song, why = self.songs.named(read.names)
        if song is None:
            self.report.unknown_song(f"it {why}")
            return None
        self.report.matched += 1
        if read.is_gold:
            why = "they are of clips whose truth was known, and which nobody else can hear."
        elif song.use != Track.Use.POOL:
            why = f"{song.name} is a song for {song.use}: what people mark is learned from, and it must not be."
        elif song.set_aside:
            why = f"{song.name} is set aside."
        elif past := past_the_end(read, song.duration + LENGTHS_AGREE):
            self.report.fault(past)
            return None
        else:
            return song
        for _ in read.annotations:
            self.report.leave_out(why)
        return None

    def _answers(self, given: Given, read: TaskRead, song: Song, there: There) -> Iterable[Planned]:
        """One answer as it was given to a clip, or the pieces of one to a whole song."""
        campaign, whole = self.campaign, Region(0.0, song.duration)
        clip = Region(read.clip.start, min(read.clip.end, song.duration)) if read.clip else whole
        if questions.is_quick(given.result):
            self.report.leave_out("they answer quick questions, whose segments are those of the campaign they came from.")
            return []
        length = original_length(given.result)
        if length is not None and abs(length - clip.duration) > LENGTHS_AGREE:
            said = (
                f"was drawn on {length:g} s of sound, and its task is of {clip.duration:g} s of {song.name}: give data.start and data.end."
            )
            self.report.fault(Fault(given.where, "result", said))
            return []
        lenient = Lenient(self.report.labels, [], self.lines)
        marks = marks_of(given, clip, campaign.stem, self.meanings, lenient, others=self.others)
        for fault in lenient.faults:
            self.report.fault(fault)
        if clip.duration <= LONGEST_CLIP:
            return [self._planned(given, read, song, clip, marks, as_it_is=is_ours(given.result, campaign.stem))]
        parts = pieces(marks, song.duration, there.clips(song, self.current), campaign.clip_seconds)
        if not parts:
            self.report.leave_out("nothing is marked in a whole song, which says nothing of what is extracted from it here.")
        return [self._planned(given, read, song, clip, inside) for clip, inside in parts]

    def _planned(
        self, given: Given, read: TaskRead, song: Song, clip: Region, marks: label_studio.Marks, *, as_it_is: bool = False
    ) -> Planned:
        n = len(marks.wrong) + len(marks.missing)
        if n > label_studio.MAX_REGIONS:
            raise BadRegion(
                f"result has {n} regions in {clip.duration:g} s; at most {label_studio.MAX_REGIONS} are allowed.", field="result"
            )
        result = given.result if as_it_is else label_studio.result_of(marks, clip, self.campaign.stem)
        key = key_of(self.campaign, song, clip, given.person, given.said, marks)
        return Planned(given.where, song, clip, marks, result, given.person, key, given.said, read.checkpoint)

    # ------------------------------------------------------------ looking, and writing

    def look(self, planned: Sequence[Planned]) -> None:
        """Count what would become of these answers; nothing is written."""
        for one, task in self._new(planned):
            if self.people.get(one.person) == OUT:
                self.report.people_out += 1
                continue
            if task is None:
                at = (one.song.pk, one.clip.start)
                self.report.clips += at not in self._opened
                self._opened.add(at)
            else:
                self.report.surplus += task.state != Task.State.OPEN or task.taken >= task.overlap
            self._count(one)

    def write(self, planned: Sequence[Planned]) -> None:
        """Keep these answers, each in a transaction of its own: cut short and begun anew, what is kept is known."""
        for one, task in self._new(planned):
            member = self.member_of(one.person)
            if member is None:
                self.report.people_out += 1
                continue
            with transaction.atomic():
                if task is None:
                    task = self.opened(one)
                said = _in_the_way(task, member)
                if said is None:
                    try:
                        kept = self._keep(one, task, member)
                    except NotReady:
                        said = f"{member.pseudonym} has withdrawn their consent."
            if said is not None:
                self.report.leave_out(said)
                continue
            self.report.surplus += kept.status == Submission.Status.SURPLUS
            self._count(one)

    def _new(self, planned: Sequence[Planned]) -> Iterable[tuple[Planned, Task | None]]:
        """Those that are not here already, with their task (None: one is to be opened); the others are counted."""
        known = known_keys(self.campaign, [one.key for one in planned])
        there = There.of(self.campaign, self.current, [one.song.pk for one in planned])
        for one in planned:
            if one.key in known:
                self.report.known += 1
                continue
            known.add(one.key)
            task = there.task(one.song, one.clip, one.checkpoint, self.current)
            if why := _no_task(one, task, there, self.current):
                self.report.leave_out(why)
                continue
            yield one, task

    def _count(self, one: Planned) -> None:
        self.report.answers += 1
        self.report.marks += len(one.marks.wrong) + len(one.marks.missing)

    def opened(self, one: Planned, reason: str = "imported with marks on it") -> Task:
        """The task of a clip that nobody was asked about yet, on what the current checkpoint extracts; to be called in a transaction."""
        tasks = Task.objects.filter(
            campaign=self.campaign, track=one.song.pk, checkpoint=self.current, start=one.clip.start, kind=Task.Kind.POOL
        ).exclude(state=Task.State.WITHDRAWN)
        if known := tasks.first():
            return known
        track = Track.objects.select_for_update(no_key=True).get(pk=one.song.pk)
        clip = Clip(track, one.clip.start, one.clip.end, Task.Arm.SCORE, 1.0, reason, kept_apart=track.kept_apart)
        row = pool_row(clip, campaign=self.campaign, checkpoint=self.current, round_number=NO_ROUND)
        Task.objects.bulk_create([row], ignore_conflicts=True)
        self._opened.add((one.song.pk, one.clip.start))
        self.report.clips += 1
        return tasks.get()

    def _keep(self, one: Planned, task: Task, member: Membership) -> Submission:
        result = one.result if task.clip == one.clip else label_studio.result_of(_cut(one.marks, task.clip), task.clip, task.stem)
        kept = submit(task=task, by=member, result=result, client_key=one.key)
        versions = {"consent_version": UNKNOWN_VERSION, "instruction_version": UNKNOWN_VERSION}
        Submission.objects.filter(pk=kept.pk).update(**versions)
        Provenance.objects.create(
            submission=kept,
            source=self.source,
            file=self.file[:200],
            where=one.where[:200],
            person=one.person,
            said=one.said,
            batch=self.batch,
        )
        return kept

    def predict(self, read: TaskRead, task: Task, *, write: bool = True) -> None:
        """Keep what the first prediction of a task proposes, where the campaign shows proposals and nobody has touched the clip yet.

        Without `write` it is only counted.
        """
        if not read.predictions:
            return
        given, campaign = read.predictions[0], self.campaign
        try:
            marks = marks_of(given, read.clip or task.clip, campaign.stem, self.meanings, others=self.others)
        except BadRegion as bad:
            self.report.fault(fault_of(given, bad))
            return
        score = given.said.get("score")
        sure = min(1.0, max(0.0, float(score))) if isinstance(score, int | float) else 1.0
        regions = [(region.start, region.end, sure) for region in clamp([(one.start, one.end) for one in marks.wrong], task.clip)]
        if task.state != Task.State.OPEN or task.taken or not campaign.proposes:
            why = "this campaign shows no proposals." if not campaign.proposes else "people have the clip already, or are done with it."
            self.report.leave_out(f"{PREDICTIONS}{why}")
        elif Proposal.objects.filter(task=task).exists():
            self.report.known += 1
        elif regions and write:
            propose(campaign, [task], {(task.track_id, task.start): regions})
            self.report.predictions += Proposal.objects.filter(task=task).exists()
        elif regions:
            self.report.predictions += 1

    # ------------------------------------------------------------ people

    def member_of(self, person: str) -> Membership | None:
        """Who a person of the file is here: `people` has the number of a membership, "new", "new:NAME", or "out" (None).

        Who is new has no account and is given no clips. Raises `BadChoice`.
        """
        if person not in self._members:
            self._members[person] = self._member(person, self.people.get(person, NEW))
        return self._members[person]

    def _member(self, person: str, choice: str) -> Membership | None:
        if choice == OUT:
            return None
        if choice.isdecimal():
            member = self.campaign.memberships.filter(pk=int(choice)).first() if len(choice) < 19 else None
            if member is None:
                raise BadChoice(f"There is no member {choice} in this campaign.")
            return member
        new, _, name = choice.partition(":")
        if new != NEW:
            raise BadChoice(f"{choice[:50]!r} is nobody: give the number of a member, new, new:NAME or out.")
        pseudonym = name.strip() or f"{IMPORTED}-{salted_hmac(IMPORTED, f'{self.campaign.pk}:{person}').hexdigest()[:8]}"
        return imported_person(self.campaign, pseudonym)


def check_choices(campaign: Campaign, people: Mapping[str, str]) -> None:
    """Raise `BadChoice` where somebody of a file cannot be who they are said to be; nobody is made."""
    numbers = {choice for choice in people.values() if choice.isdecimal()}
    known = {str(pk) for pk in campaign.memberships.values_list("pk", flat=True)} if numbers else set()
    if unknown := numbers - known:
        raise BadChoice(f"There is no member {min(unknown)[:20]} in this campaign.")
    for choice in people.values():
        new, _, name = choice.partition(":")
        if new == NEW and name.strip():
            _check_name(campaign, name.strip())
        elif choice not in (NEW, OUT, f"{NEW}:") and choice not in numbers:
            raise BadChoice(f"{choice[:50]!r} is nobody: give the number of a member, new, new:NAME or out.")


def _check_name(campaign: Campaign, pseudonym: str) -> Membership | None:
    longest = Membership._meta.get_field("pseudonym").max_length or 0
    if not 0 < len(pseudonym) <= longest or not pseudonym.isprintable():
        raise BadChoice(f"A pseudonym has 1 to {longest} printable characters.")
    known = campaign.memberships.filter(pseudonym=pseudonym).first()
    if known and (known.user_id is not None or IMPORTED not in known.tags):
        raise BadChoice(f"{pseudonym!r} is a member already: choose them, or another name.")
    return known


def imported_person(campaign: Campaign, pseudonym: str) -> Membership:
    """Somebody who answered elsewhere, under this pseudonym: made, or found where they were imported before. Raises `BadChoice`."""
    with transaction.atomic():
        known = _check_name(campaign, pseudonym)
        if known is None:
            known = add_member(campaign=campaign, pseudonym=pseudonym)
            Membership.objects.filter(pk=known.pk).update(active=False, tags=[IMPORTED])
            known.refresh_from_db()
    return known


def fault_of(given: Given, bad: BadRegion) -> Fault:
    """What is wrong with an annotation, by its place in the file."""
    where, _, said = str(bad).partition(": ")
    if not said:
        return Fault(given.where, "", str(bad))
    return Fault(f"{given.where}.{where}", bad.field or "", said.removeprefix(f"{bad.field} "))


def _cut(marks: label_studio.Marks, clip: Region) -> label_studio.Marks:
    """Marks of a clip whose ends were a little off."""
    wrong = [one._replace(start=max(one.start, clip.start), end=min(one.end, clip.end)) for one in marks.wrong]
    return label_studio.Marks([one for one in wrong if one.end - one.start >= label_studio.SHORTEST], clamp(marks.missing, clip))


def _no_task(one: Planned, task: Task | None, there: There, current: str) -> str:
    """Why an answer can be to no clip; empty: it can."""
    marked = one.marks.wrong or one.marks.missing
    if task is not None and not marked and task.round_number == NO_ROUND and task.checkpoint != one.checkpoint:
        task = None  # it was opened for somebody's marks, after this was said
    if task is not None:
        return "their clips ask quick questions here." if task.question == Task.Question.QUICK else ""
    if not marked:
        return "nothing is marked in a clip that nobody is asked about here, which says nothing of what is extracted from it now."
    if one.song.pk not in there.extracted:
        return "the current model has extracted nothing from their songs yet: import them when its first clips are there."
    if one.clip.duration < SHORTEST_CLIP:
        return f"their clips are shorter than {SHORTEST_CLIP:g} s."
    if there.begins(one.song, one.clip, current):
        return "a clip of another length begins where theirs do."
    return ""


def _in_the_way(task: Task, member: Membership) -> str | None:
    """Why an answer of this member is not kept, though nothing is wrong with it."""
    if Draft.objects.filter(task=task, by=member).exists():
        return f"{member.pseudonym} is at work on the clip now."
    if Submission.objects.filter(task=task, by=member, provenance=None).exclude(status=Submission.Status.WITHDRAWN).exists():
        return f"{member.pseudonym} has answered the clip here, and that stands."
    return None


@transaction.atomic
def record_import(*, campaign: Campaign, who: Membership | None, file: str, report: Report) -> None:
    """One line of the history for all that came together."""
    about: dict[str, Any] = {"file": file, "answers": report.answers, "marks": report.marks, "clips": report.clips}
    about |= {"gold": report.gold, "predictions": report.predictions, "known": report.known}
    record(campaign, "answers.imported", who=who, after=about)
