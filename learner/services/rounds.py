"""Rounds: begun, frozen into a feedback set, and moved on by the clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from annotation import services as annotating
from annotation.events import record
from annotation.models import Campaign, Consensus, ConsensusRegion, Membership, MissingRegion, Task, Track
from annotation.models.people import Right, holders
from annotation.selectors.rounds import tasks_of
from learner.core.teaching.recipe import next_strength
from learner.models import (
    DELETED,
    Adaptation,
    FeedbackClip,
    FeedbackItem,
    FeedbackSet,
    Job,
    Round,
    SharedModel,
)
from learner.selectors import lineage
from learner.selectors.held_up import why_held_up
from learner.services.effects import send_effect
from learner.services.jobs import OPEN, queue_job, remove_leftovers, rescue_jobs, send, sent_long_ago
from learner.services.trials import try_what_is_due
from learner.services.triggers import why_now

KEEP_APART_FROM = 6  # pool tracks; with fewer, every mark is worth more to the learner than to the gate
WHAT_IS_HEARD = ("clip_seconds", "clips_per_round", "clips_per_track")  # rules by which a pool that had run out may have clips again
APART_WITHOUT_TRUTH = 4  # one pool track in so many, where no gate songs show what a child gains


# ---------------------------------------------------------------- patient jobs


@transaction.atomic
def send_patient_jobs() -> int:
    """Send the messages of jobs that nobody waits for, where no other job of any campaign waits; returns how many.

    Everybody waits for the clips of the next round: where one is due it begins first. A message that meets other work at the worker is
    spent (`Job.claim`); this sends it again, as it does one that was lost.
    """
    if Job.urgent().exists():
        return 0
    unsent = Q(sent=None) | sent_long_ago()
    waiting = (
        Job.objects.filter(unsent, ~DELETED, state=Job.State.QUEUED, kind__in=Job.PATIENT, priority__lte=0)
        .select_related("campaign")
        .order_by("pk")
    )
    jobs = [job for job in waiting.select_for_update(skip_locked=True, of=("self",)) if next_round_of(job.campaign) is None]
    for job in jobs:
        Job.objects.filter(pk=job.pk).update(sent=now())
        send(job)
    return len(jobs)


# ---------------------------------------------------------------- rounds


def open_round_of(campaign: Campaign) -> Round | None:
    """The round that is under way."""
    return Round.objects.filter(campaign=campaign, state__in=Round.UNDER_WAY).select_related("parent").first()


@transaction.atomic
def start_round(*, campaign: Campaign, who: Membership | None = None) -> Round | None:
    """Open the next round with the current checkpoint and queue the choice of its clips; None: none is called for, or it is held up."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    number = next_round_of(campaign)
    if number is None:
        return None
    if is_held_up(campaign=campaign):
        return None
    current = SharedModel.objects.select_related("current").get(campaign=campaign).current
    job = queue_job(campaign=campaign, kind=Job.Kind.SCORE)
    opened = Round.objects.create(campaign=campaign, number=number, parent=current, scoring=job)
    record(campaign, "round.opened", who=who, after={"round": number, "checkpoint": current.hash})
    return opened


@transaction.atomic
def is_held_up(*, campaign: Campaign) -> bool:
    """Whether something is in the way of the next step. What it is, is kept with the campaign, and told when it changes."""
    reason = why_held_up(campaign)
    if Campaign.objects.filter(pk=campaign.pk).exclude(held_up=reason).update(held_up=reason):
        record(campaign, "campaign.held_up", after={"kind": "held up" if reason else "goes on", "reason": reason})
    return bool(reason)


def rescore_later(*, campaign: Campaign) -> Job | None:
    """Queue the scoring of the songs that the current checkpoint has not scored yet, if it is not queued or under way."""
    if Job.objects.filter(campaign=campaign, kind=Job.Kind.RESCORE, state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
        return None
    return queue_job(campaign=campaign, kind=Job.Kind.RESCORE)


def next_round_of(campaign: Campaign) -> int | None:
    """The number of the round that is due to begin now; None: there is no call for one."""
    last = Round.objects.filter(campaign=campaign).order_by("-number").first()
    number = last.number + 1 if last else 1
    stuck = last is not None and last.state == Round.State.EXHAUSTED and not _new_in_pool(campaign, since=last).exists()
    stuck = stuck and last is not None and not _resumed(campaign, since=last.finished)
    no_more = campaign.max_rounds is not None and number > campaign.max_rounds
    has_model = SharedModel.objects.filter(campaign=campaign).exists()
    if campaign.ended or campaign.paused or no_more or stuck or not has_model or open_round_of(campaign) or not _pool(campaign).exists():
        return None
    return number


def _pool(campaign: Campaign) -> QuerySet[Track]:
    return Track.objects.filter(campaign=campaign, use=Track.Use.POOL, set_aside=None)


def _resumed(campaign: Campaign, since: datetime | None) -> bool:
    """Whether somebody has let rounds go on after that moment, opened the campaign again, or changed what is heard."""
    if since is None:
        return False
    let = Q(what__in=("campaign.resumed", "campaign.opened_again")) | Q(what="campaign.changed", before__has_any_keys=WHAT_IS_HEARD)
    return campaign.events.filter(let, when__gt=since).exists()


@transaction.atomic
def look_again(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Let a campaign whose rounds had run out of clips look for some again. False: they had not."""
    last = Round.objects.filter(campaign=campaign).order_by("-number").first()
    if last is None or last.state != Round.State.EXHAUSTED:
        return False
    record(campaign, "campaign.resumed", who=who)
    return True


def look_through_pool(*, round_: Round, said: str, quiet: bool) -> None:
    """Note what is to be expected of the pool; `quiet`: nothing in it leaks, so that nobody is asked, and rounds are paused."""
    if not said:
        return
    campaign = round_.campaign
    record(campaign, "pool.looked_through", after={"round": round_.number, "quiet": quiet, "words": said})
    if quiet:
        Job.objects.filter(pk=round_.scoring_id).update(reason=said)
        annotating.pause_rounds(campaign=campaign)


def goes_on_though_quiet(campaign: Campaign) -> bool:
    """Whether a manager has let rounds go on after nothing in the pool was found to leak."""
    quiet = campaign.events.filter(what="pool.looked_through", after__quiet=True).order_by("id").first()
    return quiet is not None and _resumed(campaign, since=quiet.when)


def _new_in_pool(campaign: Campaign, *, since: Round) -> QuerySet[Track]:
    """Tracks that came into the pool, or back into it, after a round had ended."""
    return _pool(campaign).filter(Q(added__gt=since.finished) | Q(put_back__gt=since.finished))


def keep_tracks_apart(*, campaign: Campaign, leak: Mapping[int, float]) -> set[int]:
    """Keep one pool track in six for the gate; once kept apart, always. Primary keys of all that are.

    Without target songs for the gate nothing else can show a gain, so that it is one in four, and one of two or more. `leak` is what is
    expected of tracks that could be: in its order they are cut into as many parts as are wanted, and of each part the campaign's seed
    draws one. So all have about the same chance, and songs that leak are among them, as nothing else shows a gain. As long as people
    have marked nothing in those kept apart, each round adds one of the half that is expected to leak most.
    """
    pool = list(_pool(campaign))
    apart = {track.pk for track in pool if track.kept_apart}
    wanted, n_vain = len(pool) // KEEP_APART_FROM, 0
    if not has_target_gate(campaign):
        n_vain = _rounds_in_vain(campaign)
        wanted = max(len(pool) // APART_WITHOUT_TRUTH, min(1, len(pool) // 2)) + n_vain
    heard = set(Task.objects.filter(campaign=campaign, kept_apart=False).values_list("track_id", flat=True))
    free = [track for track in pool if track.pk in leak and track.pk not in apart | heard]
    drawn_at = {track.pk: hashlib.sha256(f"{campaign.seed}:{track.fingerprint}".encode()).hexdigest() for track in free}
    free.sort(key=lambda track: (-leak[track.pk], drawn_at[track.pk]))
    if n_vain:
        free = free[: -(-len(free) // 2)]
    lacking = min(max(0, wanted - len(apart)), len(free))
    parts = [free[len(free) * n // lacking : len(free) * (n + 1) // lacking] for n in range(lacking)]
    new = {min(part, key=lambda track: drawn_at[track.pk]).pk for part in parts}
    Track.objects.filter(pk__in=new).update(kept_apart=True)
    return apart | new


def _rounds_in_vain(campaign: Campaign) -> int:
    """How many rounds were frozen so far, where people have marked nothing in clips that were kept apart; otherwise 0."""
    apart = FeedbackClip.objects.filter(feedback_set__round__campaign=campaign, kept_apart=True)
    return 0 if apart.filter(items__isnull=False).exists() else FeedbackSet.objects.filter(round__campaign=campaign).count()


def has_target_gate(campaign: Campaign) -> bool:
    """Whether songs with stems show the gate what a child gains."""
    return campaign.tracks.filter(use=Track.Use.GATE, domain=Track.Domain.TARGET, set_aside=None).exists()


@transaction.atomic
def freeze_feedback(*, round_: Round, who: Membership | None = None, why: str = "") -> Adaptation | None:
    """Freeze what the crowd agreed on in all rounds so far, and queue the adaptation; None: no marks, nothing new, or frozen already."""
    if not Round.objects.filter(pk=round_.pk, state=Round.State.ANNOTATING).update(state=Round.State.ADAPTING):
        return None
    campaign = round_.campaign
    consensuses = annotating.agree_again_over_campaign(campaign=campaign, up_to_round=round_.number)
    feedback_set = FeedbackSet.objects.create(round=round_, content_hash="")
    clips = [_freeze_clip(feedback_set, consensus) for consensus in consensuses]
    items = [item for _, regions in clips for item in regions]
    FeedbackItem.objects.bulk_create(items)
    learned = sum(len(regions) for clip, regions in clips if not clip.kept_apart)
    FeedbackSet.objects.filter(pk=feedback_set.pk).update(content_hash=_content_hash(clips), regions=learned)
    # Without news, the same feedback would at once teach again what a roll-back has just turned down.
    if not any(not clip.kept_apart and regions for clip, regions in clips) or not _has_news(campaign, consensuses):
        Round.objects.filter(pk=round_.pk).update(state=Round.State.EMPTY, finished=now())
        record(campaign, "round.empty", who=who, after={"round": round_.number})
        return None
    job = queue_job(campaign=campaign, kind=Job.Kind.ADAPT)
    adaptation = Adaptation.objects.create(
        campaign=campaign,
        feedback_set=feedback_set,
        job=job,
        parent=SharedModel.objects.select_related("current").get(campaign=campaign).current,
        recipe=campaign.recipe | _strength(campaign),
        seed=campaign.seed * 1000 + round_.number,
    )
    after = {"round": round_.number, "regions": len(items), "clips": len(clips)} | ({"why": why} if why else {})
    record(campaign, "feedback.frozen", who=who, after=after)
    return adaptation


@transaction.atomic
def wait_for_reviewers(*, round_: Round) -> bool:
    """Whether a round without open tasks goes on waiting for its reviewers; begins to wait, where a freeze would find nothing to learn.

    It then waits until they have decided all of its clips, or the campaign's patience is over. With something to learn it does not
    wait: what is decided later is in the next freeze. Clips kept apart are not waited for, since nothing is learned from them.
    """
    campaign = round_.campaign
    contested = Task.objects.filter(
        campaign=campaign, round_number=round_.number, state=Task.State.IN_REVIEW, kind=Task.Kind.POOL, kept_apart=False
    )
    reviewers = campaign.memberships.filter(holders(Right.REVIEW))
    if not campaign.review_wait_hours or not contested.exists() or not reviewers.exists():
        return False
    if round_.reviewers_until is not None:
        return now() < round_.reviewers_until
    if _could_learn(round_):
        return False
    if Round.objects.filter(pk=round_.pk, state=Round.State.ANNOTATING, waiting_since=None).update(waiting_since=now()):
        record(campaign, "round.waits", after={"round": round_.number, "clips": contested.count(), "hours": campaign.review_wait_hours})
    return True


def _could_learn(round_: Round) -> bool:
    """Whether a freeze now would find marks and news, by what each clip's people agreed on when it was closed."""
    tasks = Task.objects.filter(campaign=round_.campaign, state=Task.State.CLOSED, round_number__lte=round_.number, kept_apart=False)
    agreed = Consensus.objects.filter(task__in=tasks).order_by("task", "-version").distinct("task").select_related("task")
    consensuses = list(agreed)
    return ConsensusRegion.objects.filter(consensus__in=consensuses).exists() and _has_news(round_.campaign, consensuses)


JUDGED = (Adaptation.Verdict.PROMOTED, Adaptation.Verdict.REFUSED)
"""Adaptations whose child the gate has seen, or the learner itself refused."""


def _strength(campaign: Campaign) -> dict[str, float]:
    """How far the next child may go after the last one's verdict, as a setting of its recipe; nothing: all the way."""
    last = max(_judged_of_this_base(campaign), key=lambda one: one.pk, default=None)
    if last is None:
        return {}
    promoted, costly = last.verdict == Adaptation.Verdict.PROMOTED, last.report.get("costly", False)
    strength = next_strength(last.recipe.get("strength", 1.0), promoted=promoted, costly=costly)
    return {"strength": strength} if strength < campaign.recipe.get("strength", 1.0) else {}


def _has_news(campaign: Campaign, consensuses: list[Consensus]) -> bool:
    """Whether a clip to learn from is among these that no adaptation of this base has learned from and been judged for."""
    of_judged = FeedbackClip.objects.filter(feedback_set__adaptation__in=_judged_of_this_base(campaign))
    known = set(of_judged.values_list("consensus__task", flat=True))
    return any(not consensus.task.kept_apart and consensus.task_id not in known for consensus in consensuses)


def _judged_of_this_base(campaign: Campaign) -> list[Adaptation]:
    """What was judged of checkpoints that come from the same base as the current one: of another base it says nothing."""
    judged = list(Adaptation.objects.filter(campaign=campaign, verdict__in=JUDGED).select_related("parent"))
    if not judged:
        return []
    known = lineage(campaign)
    base = known.base_of(SharedModel.objects.select_related("current").get(campaign=campaign).current)
    return [one for one in judged if known.base_of(one.parent) == base]


def _freeze_clip(feedback_set: FeedbackSet, consensus: Consensus) -> tuple[FeedbackClip, list[FeedbackItem]]:
    task = consensus.task
    clip = FeedbackClip.objects.create(
        feedback_set=feedback_set, consensus=consensus, track=task.track, start=task.start, end=task.end, kept_apart=task.kept_apart
    )
    regions = consensus.regions.order_by("start")
    return clip, [
        FeedbackItem(feedback_set=feedback_set, clip=clip, region=region, start=region.start, end=region.end, weight=region.probability)
        for region in regions
    ]


def _missing(clip: FeedbackClip) -> list[MissingRegion]:
    """What the clip's consensus, which no longer changes, says is missing."""
    return list(clip.consensus.missing.order_by("start"))


def _content_hash(clips: list[tuple[FeedbackClip, list[FeedbackItem]]]) -> str:
    """Depends on the sound and the regions only, so the same feedback has the same hash whoever gave it, in whatever order."""
    content = sorted(
        [
            *(clip.track.fingerprint, clip.start, clip.end, clip.kept_apart),
            [[item.start, item.end, item.weight] for item in items],
            *([[one.start, one.end, one.probability] for one in missing] for missing in [_missing(clip)] if missing),
        ]
        for clip, items in clips
    )
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


# ---------------------------------------------------------------- the clock


def tick(*, rescue: bool = True) -> None:
    """One beat of the platform: rescue what died, free what ran out, and move every campaign on as far as it can go.

    A campaign that cannot go on holds up no other; what stopped it is raised at the end. Without `rescue` no worker is taken for dead,
    which is for when they could not say that they live.
    """
    if rescue:
        rescue_jobs()
    remove_leftovers()
    errors = []
    for campaign in Campaign.objects.filter(deleted=None):
        try:
            annotating.expire_leases(campaign=campaign)
            annotating.withdraw_returned(campaign=campaign)
            advance(campaign=campaign)
            try_what_is_due(campaign=campaign)
        except OperationalError:
            raise  # the database is away, for all of them
        except Exception as error:
            error.add_note(f"in campaign {campaign.slug}")
            errors.append(error)
    send_patient_jobs()
    send_effect()
    if errors:
        raise ExceptionGroup("some campaigns could not go on", errors)


def advance(*, campaign: Campaign) -> None:
    """Take the next step of a campaign's loop, if one is due; none is where it has ended."""
    if campaign.ended:
        return
    under_way = open_round_of(campaign)
    if under_way is None:
        if not campaign.jobs.filter(kind=Job.Kind.INGEST, state__in=OPEN).exists():  # else its songs are still coming in
            start_round(campaign=campaign)
    elif under_way.state == Round.State.ANNOTATING:
        annotating.agree_on_due_tasks(campaign=campaign)  # of this round or an earlier one: the row is the truth, not the message
        annotating.close_unanswerable_tasks(campaign=campaign)
        # A contested task is no open one: it waits for its reviewer alone, and what they decide is in the next freeze.
        open_tasks = tasks_of(campaign, under_way.number).filter(state=Task.State.OPEN)
        if (why := why_now(under_way)) and _could_learn(under_way):
            if not is_held_up(campaign=campaign):
                freeze_feedback(round_=under_way, why=why)
            return
        if open_tasks.exists():
            Round.objects.filter(pk=under_way.pk).exclude(waiting_since=None).update(waiting_since=None)
            return
        if under_way.waiting_since is None and annotating.reopen_uncertain(campaign=campaign, round_number=under_way.number):
            return
        if not campaign.learns_by_hand and not wait_for_reviewers(round_=under_way) and not is_held_up(campaign=campaign):
            freeze_feedback(round_=under_way)
