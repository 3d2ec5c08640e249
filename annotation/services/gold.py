"""Gold tasks: made of what the checkpoint gives for songs with stems, handed out among the others, graded.

Who is too far off is paused and may appeal.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now

from annotation.core import leak
from annotation.core.grading import grade, mean
from annotation.core.regions import Region, clamp, merge, shift, subtract, total
from annotation.events import record
from annotation.files import sounds, storage
from annotation.models import Assignment, Campaign, GoldScore, GoldTruth, Membership, Pause, Stem, Submission, Task, Track
from annotation.selectors import gold_turns, members
from annotation.spoilt import SpoiltTrack, blamed

MADE = "gold"  # stands in `Task.checkpoint` where others have the hash of theirs
NO_ROUND = 0  # gold tasks belong to no round and hold none up
ENDLESS = 1_000_000  # answers that a gold task takes: everybody may get it
LEVELS = (*leak.LEVELS, leak.LEVELS[1], None)  # in turn; None: a clip in which nothing leaks
MOST_SPANS = 3
DRAWS = 8  # of spans, of which that is taken in which the separator leaves most: it is raised least
SHORTEST_REST = 1.2  # seconds without singing that a clip needs to leak in
CONTEXT = 15.0  # seconds around a clip that the separator hears with it, and without which it hears less well
LEFT_DB = (-36.0, -26.0)  # against the sung level: the most that is left where nothing is to be marked, drawn for each clip
OWN_LEAK = 1.0  # seconds; a clip in which the separator itself leaks for longer needs no leak mixed in
VOICE_LOST_DB = 6.0  # a voice that came out quieter than it went in by more than this is not followed down

Separate = Callable[[leak.Samples, int], leak.Samples]
"""From a mixture (channels, samples) and its sample rate to the extracted vocals in its shape."""


class NotPaused(Exception):
    """There is no pause to appeal against or to decide on: it was decided already, or an appeal has been made."""


@dataclass(frozen=True)
class Gold:
    """A gold clip that is ready: its sound is stored, its truth known. `regions` are in track seconds."""

    track: Track
    clip: Region
    regions: list[Region]
    level: leak.Level | None
    file: str


# ---------------------------------------------------------------- making


def wanted_gold(campaign: Campaign, n_clips: int) -> int:
    """How many new gold tasks go with `n_clips` of the pool, so that nobody who answers all of them runs out."""
    share = round(n_clips * campaign.gold_share / (1 - campaign.gold_share) + 0.5) if campaign.gold_share else 0
    there = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD, state=Task.State.OPEN).count()
    return max(share, 2 * campaign.qualification - there)


def prepare_gold(*, campaign: Campaign, n: int, separate: Separate, spoilt: list[SpoiltTrack] | None = None) -> list[Gold]:
    """Make up to `n` gold clips and store their sound; fewer, where the campaign's songs with stems give no more. Slow: for jobs.

    `separate` is what made the other clips of the queue: gold sounds like them, since it is made of what the same separator gives.
    Where `spoilt` is given, what is wrong with a track that cannot be used is added to it, and the others are gone on with; else
    `SpoiltTrack` is raised.
    """
    there = GoldTruth.objects.filter(task__campaign=campaign).count()
    ready: list[Gold] = []
    for track, clip in _candidates(campaign):
        if len(ready) >= n:
            break
        if any(one.track == track for one in spoilt or ()):
            continue
        rng = np.random.default_rng([campaign.seed, int(track.fingerprint[:8], 16), round(clip.start * 1000)])
        try:
            gold = _made(campaign, track, clip, LEVELS[(there + len(ready)) % len(LEVELS)], rng, separate)
        except SpoiltTrack as error:
            if spoilt is None:
                raise
            spoilt.append(error)
            continue
        if gold:
            ready.append(gold)
    return ready


def _candidates(campaign: Campaign) -> Iterator[tuple[Track, Region]]:
    """Clips between those of the pool, in an order drawn by the campaign's seed, songs of the pool first: they sound like the rest."""
    with_stems = Track.objects.filter(campaign=campaign, kept_apart=False, set_aside=None, stems__name=campaign.stem).filter(
        pk__in=Stem.objects.filter(name="mixture").values("track")
    )
    golds = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD).exclude(state=Task.State.WITHDRAWN)
    known = set(golds.values_list("track_id", "start"))
    for use in (Track.Use.POOL, Track.Use.REPLAY):
        tracks = with_stems.filter(use=use)
        found = [(track, clip) for track in tracks for clip in _clips(track, campaign.clip_seconds) if (track.pk, clip.start) not in known]
        yield from sorted(found, key=lambda one: _drawn(campaign.seed, one[0].fingerprint, one[1].start))


def _clips(track: Track, length: float) -> list[Region]:
    """Clips half a clip beside those of the pool, or the only one that a short song has; all of the pool's length to the last bit."""
    starts = [n * length + length / 2 for n in range(int(track.duration // length))]
    clips = [Region(start, start + length) for start in starts if start + length <= track.duration]
    return [clip for clip in clips or [Region(0.0, length)] if clip.end <= track.duration and clip.end - clip.start == length]


def _drawn(*what: object) -> str:
    return hashlib.sha256(":".join(map(str, what)).encode()).hexdigest()


def _made(
    campaign: Campaign, track: Track, clip: Region, level: leak.Level | None, rng: np.random.Generator, separate: Separate
) -> Gold | None:
    """One gold clip, its sound stored; None where nothing can leak in it. Raises `SpoiltTrack`."""
    with blamed(track, "No gold clip can be made of it"):
        mixed = _mixed(campaign, track, clip, level, rng, separate)
    if mixed is None:
        return None
    # As its mixture, it may be over full scale, which FLAC would clip. Made in memory: libsndfile cannot say that a disk is full.
    over = float(np.abs(mixed.sound).max(initial=0.0)) > 1.0
    kind, subtype, suffix = ("WAV", "FLOAT", ".wav") if over else ("FLAC", "PCM_16", ".flac")
    file = io.BytesIO()
    soundfile.write(file, mixed.sound.T, mixed.sample_rate, format=kind, subtype=subtype)
    return Gold(track, clip, mixed.regions, mixed.level, storage.keep(file.getvalue(), suffix))


@dataclass(frozen=True)
class _Mixed:
    """The sound of a gold clip, (channels, samples), and what leaks in it, in track seconds."""

    sound: leak.Samples
    sample_rate: int
    regions: list[Region]
    level: leak.Level | None


def _mixed(
    campaign: Campaign, track: Track, clip: Region, level: leak.Level | None, rng: np.random.Generator, separate: Separate
) -> _Mixed | None:
    """What a gold clip sounds like; None where nothing can leak in it.

    It is the separator's own output. Where nobody sings, what can be heard of it is leak by the stems' word: it is what is to be marked.
    Where there is hardly any, what little the separator left is raised. Everything else outside the singing is turned down until
    nobody would mark it.
    """
    context = Region(max(0.0, clip.start - CONTEXT), min(track.duration, clip.end + CONTEXT))
    whole, rate = _read(track, campaign.stem)
    sung, sung_level = leak.sung(whole, rate)
    vocals = _cut(whole, context, rate)
    mixture, mix_rate = _read(track, "mixture", context)
    if mix_rate != rate or mixture.shape[0] != vocals.shape[0] or sung_level < leak.SUNG_DBFS:
        return None
    n = min(vocals.shape[1], mixture.shape[1])
    vocals, mixture = vocals[:, :n], mixture[:, :n]
    part, sung = shift([clip], -context.start)[0], clamp(shift(sung, -context.start), (0.0, n / rate))
    estimate = separate(mixture, rate)
    sung_level += max(-VOICE_LOST_DB, leak.level_of(estimate, sung, rate) - leak.level_of(vocals, sung, rate))
    left = sung_level + rng.uniform(*LEFT_DB)
    spans = leak.own_leaks(estimate, subtract([part], sung), rate, sung_level)
    if total(spans) < OWN_LEAK:
        rests = leak.rests(sung, part, SHORTEST_REST)
        drawn = [leak.draw_spans(rests, MOST_SPANS, rng) for _ in range(DRAWS if level else 0)]
        spans = max(drawn, key=lambda one: leak.level_of(estimate, one, rate), default=[])
        if level and not spans:
            return None
    heard = leak.with_quiet_rests(estimate, merge([*sung, *spans]), rate, left)
    if spans:
        wanted = sung_level + (level or leak.LEVELS[-1]).db
        try:
            heard, loud = leak.raised(heard, estimate, mixture, rate, spans, wanted, rng)
        except leak.NothingLeaks:
            return None
        level = min(leak.LEVELS, key=lambda one: abs(one.db - (loud - sung_level)))
    return _Mixed(_cut(heard, part, rate), rate, clamp(shift(spans, context.start), clip), level)


def _read(track: Track, stem: str, part: Region | None = None) -> tuple[leak.Samples, int]:
    file = storage.intact(Stem.objects.get(track=track, name=stem).file)
    samples, rate = sounds.read(file) if part is None else sounds.read(file, part.start, part.end)
    return np.ascontiguousarray(samples.T), rate


def _cut(samples: leak.Samples, part: Region, rate: int) -> leak.Samples:
    return samples[:, round(part.start * rate) : round(part.end * rate)]


def gold_rows(*, campaign: Campaign, golds: Sequence[Gold]) -> list[Task]:
    """The tasks of gold clips, not saved yet: `open_tasks` puts them among its own, `keep_truth` writes what is true of them."""
    return [
        Task(
            campaign=campaign,
            track=gold.track,
            stem=campaign.stem,
            checkpoint=MADE,
            round_number=NO_ROUND,
            start=gold.clip.start,
            end=gold.clip.end,
            kind=Task.Kind.GOLD,
            arm=Task.Arm.RANDOM,
            chance=1.0,
            reason="gold: its truth is known",
            min_overlap=ENDLESS,
            max_overlap=ENDLESS,
            overlap=ENDLESS,
        )
        for gold in golds
    ]


def among(tasks: list[Task], golds: list[Task], seed: int) -> list[Task]:
    """Both lists as one, the order of `tasks` kept and `golds` anywhere between."""
    rng = np.random.default_rng([seed, len(tasks), len(golds)])
    mixed = list(tasks)
    for one in golds:
        mixed.insert(int(rng.integers(len(mixed) + 1)), one)
    return mixed


@transaction.atomic
def keep_truth(*, campaign: Campaign, golds: Sequence[Gold]) -> int:
    """Write the truth of gold tasks that were opened; returns how many are new."""
    n = 0
    for gold in golds:
        tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD, checkpoint=MADE).exclude(state=Task.State.WITHDRAWN)
        task = tasks.get(track=gold.track, start=gold.clip.start)
        about: dict[str, Any] = {"file": gold.file, "regions": [list(region) for region in gold.regions]}
        if gold.level:
            about |= {"level": gold.level.name, "level_db": gold.level.db}
        n += GoldTruth.objects.get_or_create(task=task, defaults=about)[1]
    return n


# ---------------------------------------------------------------- handing out


def in_place_of(lease: Assignment, by: Membership) -> Assignment:
    """Turn a lease just taken on a task of the pool into one on a gold task, if that is whose turn it is and there is one; else leave it.

    Called where tasks are handed out, in that transaction, with the member's row locked. Gold tasks come only while the pool has tasks,
    so an empty queue is empty. Without gold tasks left nobody can qualify, and nobody is kept waiting for it.
    """
    campaign = by.campaign
    if not gold_turns.has_gold(campaign):
        return lease
    if members.qualifies(by):
        grade_pending(by=by)
    if not members.qualifies(by) and not gold_turns.is_gold_turn(campaign, by.pk, gold_turns.position_of(by) - 1):
        return lease
    unseen = list(gold_turns.unseen_gold(by)[:20])
    if not unseen:
        return lease
    gold = min(unseen, key=lambda one: _drawn(by.pk, one.pk))
    Task.objects.filter(pk=lease.task_id).update(taken=F("taken") - 1)
    Task.objects.filter(pk=gold.pk).update(taken=F("taken") + 1)
    lease.task = gold
    lease.save(update_fields=["task"])
    return lease


# ---------------------------------------------------------------- grading


def truth_of(task: Task) -> list[Region]:
    """Where a gold task leaks, in track seconds."""
    return [Region(start, end) for start, end in task.gold.regions]


def grade_pending(*, by: Membership | None = None, task: Task | None = None) -> int:
    """Grade the gold answers of a member, or to a task, that have no score yet; returns how many.

    An answer that was changed is not graded anew: who tries until their score is best would find the truth by it.
    """
    whose = Q(by=by) if by else Q(task=task)
    answers = Submission.objects.filter(whose, task__kind=Task.Kind.GOLD, status=Submission.Status.ACCEPTED, gold_score=None)
    graded = GoldScore.objects.filter(submission__task=OuterRef("task"), submission__by=OuterRef("by"))
    answers = answers.exclude(Exists(graded.exclude(submission__status=Submission.Status.WITHDRAWN)))
    for answer in answers.select_related("task__gold", "by__campaign").prefetch_related("marks").order_by("pk"):
        _grade(answer)
    return len(answers)


@transaction.atomic
def _grade(answer: Submission) -> None:
    # One at a time for one person: what follows from their latest scores follows once.
    Membership.objects.select_for_update(no_key=True).get(pk=answer.by_id)
    found = grade([mark.region for mark in answer.marks.all()], truth_of(answer.task), answer.task.clip)
    missed, extra = (sum(region.duration for region in regions) for regions in (found.missed, found.extra))
    _, new = GoldScore.objects.get_or_create(submission=answer, defaults={"score": found.score, "missed": missed, "extra": extra})
    if new:
        _judge(answer.by)


def _judge(member: Membership) -> None:
    """Let a member into the queue, or pause them, by their latest gold answers; those from before a lifted pause are forgotten."""
    campaign = member.campaign
    if members.pause_of(member):
        return
    scores = members.scores_of(member)
    if lifted := Pause.objects.filter(membership=member).order_by("-ended").first():
        scores = scores.filter(made__gt=lifted.ended)
    values = list(scores.values_list("score", flat=True))
    if members.qualifies(member):
        latest = values[-campaign.qualification :]
        if len(latest) < campaign.qualification:
            return
        if mean(latest) >= campaign.qualification_score:
            Membership.objects.filter(pk=member.pk).update(qualified=now())
            record(campaign, "member.qualified", who=member, after={"score": round(mean(latest), 3)})
        elif len(values) >= 2 * campaign.qualification:
            _pause(member, mean(latest), len(latest), campaign.qualification_score)
    elif campaign.pause_below is not None and len(values) >= campaign.pause_after:
        latest = values[-campaign.pause_after :]
        if mean(latest) < campaign.pause_below:
            _pause(member, mean(latest), len(latest), campaign.pause_below)


def _pause(member: Membership, score: float, n: int, wanted: float) -> None:
    Pause.objects.create(membership=member, score=score, n_answers=n, wanted=wanted)
    record(member.campaign, "member.paused", who=member, after={"score": round(score, 3), "wanted": wanted, "answers": n})


@transaction.atomic
def appeal(*, by: Membership, text: str) -> Pause:
    """Ask the managers to look at a pause; once for each. Raises `NotPaused`."""
    if not Pause.objects.filter(membership=by, ended=None, appealed=None).update(appeal=text.strip(), appealed=now()):
        raise NotPaused(NotPaused.__doc__)
    record(by.campaign, "member.appealed", who=by)
    return Pause.objects.get(membership=by, ended=None)


@transaction.atomic
def decide(*, pause: Pause, who: Membership, lift: bool, reply: str = "") -> Pause:
    """End a pause or let it stand, with a reply. An upheld one can be lifted later. Raises `NotPaused`."""
    decision = Pause.Decision.LIFTED if lift else Pause.Decision.UPHELD
    changed = Pause.objects.filter(pk=pause.pk, ended=None).update(
        decision=decision, decided_by=who, decided=now(), reply=reply.strip(), ended=now() if lift else None
    )
    if not changed:
        raise NotPaused(NotPaused.__doc__)
    member = pause.membership
    if lift:  # a manager's word stands for the qualification too
        Membership.objects.filter(pk=member.pk, qualified=None).update(qualified=now())
    record(member.campaign, f"pause.{decision}", who=who, after={"member": member.pseudonym})
    return Pause.objects.get(pk=pause.pk)


# ---------------------------------------------------------------- what agreeing learns from


def evidence(campaign: Campaign) -> tuple[list[Submission], dict[int | str, list[Region]]]:
    """Every accepted gold answer, and the truth of each gold task in clip seconds: they teach `agree` how reliable people are."""
    accepted = Submission.objects.filter(task__campaign=campaign, task__kind=Task.Kind.GOLD, status=Submission.Status.ACCEPTED)
    answers = list(accepted.select_related("task__gold").prefetch_related("marks").order_by("pk"))
    return answers, {answer.task_id: shift(truth_of(answer.task), -answer.task.start) for answer in answers}
