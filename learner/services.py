"""The verbs of the loop, as far as they only move rows. What needs torch lies in `learner.running`, which actors import."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation import services as annotating
from annotation.events import publish, record
from annotation.files import storage
from annotation.files.room import Lack
from annotation.models import Campaign, Consensus, ConsensusRegion, Membership, Task, Track
from learner.core.teaching.recipe import next_strength
from learner.models import (
    DEAD_AFTER,
    MAX_ATTEMPTS,
    MOST_SAID,
    WAITS_FOR_ROOM,
    Adaptation,
    Checkpoint,
    FeedbackClip,
    FeedbackItem,
    FeedbackSet,
    Job,
    Round,
    SharedModel,
    UnfitCheckpoint,
)

RESEND_AFTER = timedelta(minutes=2)  # a job still queued by then has its message sent again; the claim makes a second one harmless
ROOM_AFTER = timedelta(minutes=1)  # the same of one that found the disk full
OPEN = (Job.State.QUEUED, Job.State.RUNNING)
REST = {"vocals": "accompaniment", "accompaniment": "vocals"}  # stems that songs are kept with, and what else is in the mixture
KEEP_APART_FROM = 6  # pool tracks; with fewer, every mark is worth more to the learner than to the gate


class NothingToJudge(Exception):
    """There is no round in this state to act on."""


class AlreadyShared(Exception):
    """The campaign has its first checkpoint already; from then on only the gate and a roll-back change it."""


class StaleModel(Exception):
    """Another checkpoint became current meanwhile: look at the history and decide again."""


# ---------------------------------------------------------------- checkpoints


@transaction.atomic
def keep_checkpoint(*, file: Path, parent: Checkpoint | None = None) -> Checkpoint:
    """Put a checkpoint file into the storage and its row beside it; known already, nothing changes. Raises `BadCheckpoint`.

    One whose file a rule had let go has it again.
    """
    from learner.core import checkpoint as files  # brings torch in

    about = files.about(file)
    digest = files.file_hash(file)
    key = storage.keep(file, ".safetensors")
    # Locked: a rule that lets its file go at this moment sees that it was just kept, or is undone here.
    row, _ = Checkpoint.objects.select_for_update(of=("self",)).get_or_create(
        hash=digest,
        defaults={
            "parent": parent,
            "file": key,
            "recipe": about.recipe,
            "stem": about.stem,
            "sample_rate": about.sample_rate,
            "channels": about.channels,
            "code_version": about.code_version,
            "seed": about.seed,
        },
    )
    if row.file_removed_at:
        row.file_removed_at = None
        row.save(update_fields=["file_removed_at"])
    return row


def share_file(*, campaign: Campaign, file: Path, who: Membership | None = None) -> Checkpoint:
    """Try a checkpoint's file as rounds will use it, keep it, and give it to a campaign as its first; no row changes where it is unfit.

    Raises `BadCheckpoint`, `UnfitCheckpoint` and `AlreadyShared`.
    """
    from learner.readiness import try_checkpoint  # brings torch in

    _check_stem(campaign)
    _check_unshared(campaign)
    try_checkpoint(file, campaign)
    with transaction.atomic():
        row = keep_checkpoint(file=file)
        share(campaign=campaign, checkpoint=row, who=who)
    return row


def _check_stem(campaign: Campaign) -> None:
    if campaign.stem not in REST:
        raise UnfitCheckpoint(f"Songs are kept with {' and '.join(REST)}; the campaign listens to {campaign.stem}, and could not learn it.")


def _check_unshared(campaign: Campaign) -> None:
    if shared := SharedModel.objects.select_related("current").filter(campaign=campaign).first():
        raise AlreadyShared(f"Campaign {campaign.slug!r} has a checkpoint already: {shared.current}. {AlreadyShared.__doc__}")


@transaction.atomic
def share(*, campaign: Campaign, checkpoint: Checkpoint, who: Membership | None = None) -> SharedModel:
    """Give a campaign its first checkpoint, one that was tried. Raises `UnfitCheckpoint` and `AlreadyShared`."""
    _check_stem(campaign)
    if (locked := Checkpoint.objects.select_for_update(of=("self",)).get(pk=checkpoint.pk)).file_removed_at:
        raise UnfitCheckpoint(f"{locked.removed} Give the campaign the file itself, or another.")
    if checkpoint.stem != campaign.stem:
        raise UnfitCheckpoint(f"This checkpoint extracts {checkpoint.stem}; the campaign listens to {campaign.stem}.")
    shared, new = SharedModel.objects.get_or_create(campaign=campaign, defaults={"current": checkpoint})
    if not new:
        _check_unshared(campaign)
    record(campaign, "model.shared", who=who, after={"checkpoint": checkpoint.hash})
    return shared


@transaction.atomic
def promote(*, adaptation: Adaptation, child: Checkpoint) -> bool:
    """Make the child the campaign's current checkpoint, if its parent still is; False: it is stale."""
    campaign = adaptation.campaign
    changed = SharedModel.objects.filter(campaign=campaign, current=adaptation.parent).update(current=child, changed=now())
    if not changed:
        return False
    annotating.withdraw_untouched(campaign=campaign, checkpoint=adaptation.parent.hash)
    record(campaign, "model.promoted", before={"checkpoint": adaptation.parent.hash}, after={"checkpoint": child.hash})
    return True


@transaction.atomic
def roll_back(*, campaign: Campaign, seen: Checkpoint, who: Membership | None = None) -> Checkpoint:
    """Make the parent of the current checkpoint current again; raises `StaleModel` when `seen` is not current any more."""
    if seen.parent is None:
        raise NothingToJudge("This is the first checkpoint: there is nothing to roll back to.")
    if not SharedModel.objects.filter(campaign=campaign, current=seen).update(current=seen.parent, changed=now()):
        raise StaleModel(StaleModel.__doc__)
    annotating.withdraw_untouched(campaign=campaign, checkpoint=seen.hash)
    record(campaign, "model.rolled_back", who=who, before={"checkpoint": seen.hash}, after={"checkpoint": seen.parent.hash})
    return seen.parent


# ---------------------------------------------------------------- jobs


def queue_job(*, campaign: Campaign, kind: str) -> Job:
    """Make a job and send its message, both with the surrounding transaction; a comparison's is sent when its turn comes."""
    job = Job.objects.create(campaign=campaign, kind=kind)
    _queue(job)
    return job


def _queue(job: Job) -> None:
    """Send a queued job's message, unless it gives way to others: then `send_comparisons` does."""
    gives_way = job.kind == Job.Kind.BASELINE
    Job.objects.filter(pk=job.pk).update(sent=None if gives_way else now())
    if gives_way:
        publish(job.campaign_id, "job", job.pk)
    else:
        _send(job)


def _send(job: Job) -> None:
    from learner import actors

    {Job.Kind.SCORE: actors.score, Job.Kind.ADAPT: actors.adapt, Job.Kind.BASELINE: actors.baseline}[Job.Kind(job.kind)].send(job.pk)
    publish(job.campaign_id, "job", job.pk)


@transaction.atomic
def fail(*, job: Job, reason: str) -> None:
    """Give a job up and say why; what it worked for is over too, and no new round begins before somebody looked (`resume`)."""
    if not Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=[Job.State.RUNNING, Job.State.QUEUED]).update(
        state=Job.State.FAILED, reason=reason, finished=now()
    ):
        return
    over = {"state": Round.State.FAILED, "finished": now()}
    stopped = Round.objects.filter(scoring=job).update(**over)
    adaptation = Adaptation.objects.filter(job=job).select_related("feedback_set__round").first()
    if adaptation:
        Adaptation.objects.filter(pk=adaptation.pk).update(verdict=Adaptation.Verdict.FAILED, reasons=[reason], finished=now())
        stopped += Round.objects.filter(pk=adaptation.feedback_set.round_id).update(**over)
    if stopped:
        annotating.pause(campaign=job.campaign)
    record(job.campaign, "job.failed", after={"job": job.pk, "kind": job.kind, "reason": reason})


@transaction.atomic
def hand_back(*, job: Job) -> None:
    """Queue a job again whose worker is being stopped: no fault of the job, so it does not count as an attempt."""
    log = f"{job.log}{now():%H:%M:%S} the worker was stopped; queued again\n"
    if job.mine().update(state=Job.State.QUEUED, attempt=F("attempt") - 1, log=log):
        _queue(job)


@transaction.atomic
def wait_for_room(*, job: Job, lack: Lack) -> None:
    """Queue a job again that found the disk full: no fault of the job, so it does not count as an attempt; the clock sends it again.

    What it had done lies on the disk, and it goes on from there.
    """
    row = job.mine().select_for_update().first()
    if row is None:
        return
    doing = f"{WAITS_FOR_ROOM}: {lack}"
    known = WAITS_FOR_ROOM in row.log.rstrip("\n").rpartition("\n")[2]  # a line for each minute of a full disk says nothing new
    log = row.log if known else f"{row.log}{now():%H:%M:%S} {doing}\n"
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.QUEUED, attempt=F("attempt") - 1, doing=doing[:MOST_SAID], in_hand=None, log=log, sent=now()
    )
    publish(job.campaign_id, "job", job.pk)


def finish(*, job: Job) -> None:
    """Mark a job as done; call it in the transaction that writes its result. Raises `Lost` when another attempt owns it."""
    job.hold()
    job.mine().update(state=Job.State.DONE, step=F("total"), doing="", heartbeat=now(), finished=now())
    record(job.campaign, "job.done", after={"job": job.pk, "kind": job.kind})


@transaction.atomic
def try_again(*, job: Job, cause: str, suspect: Track | None = None) -> None:
    """Queue a job again whose attempt was cut short by `cause`, or give it up where three in a row came no further than those before.

    So what is kept on disk brings a long job to its end however often it is cut short, and one that kills its workers ends.
    `suspect` is the track to take up last. Nothing happens where the job is another attempt's by now.
    """
    row = job.mine().select_for_update().first()
    if row is None:
        return
    no_further = 1 if row.step > row.reached else row.no_further + 1
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.QUEUED,
        reached=max(row.reached, row.step),
        no_further=no_further,
        in_hand=None,
        suspect=suspect or row.suspect,
        log=f"{row.log}{now():%H:%M:%S} attempt {row.attempt} ended because {cause}; queued again\n",
    )
    if no_further < MAX_ATTEMPTS:
        _queue(row)
        return
    doing = row.doing or "the start"
    fail(job=row, reason=f"{no_further} attempts in a row came no further than this: {doing}. The last one ended because {cause}.")


@transaction.atomic
def rescue_jobs(*, dead_after: timedelta = DEAD_AFTER) -> int:
    """Try jobs again whose worker died; send again what waited too long. Returns how many had died.

    A track that two workers in a row had in hand when they died is set aside: the second took it up last, so the others had come through.
    """
    dead = Job.objects.select_for_update(skip_locked=True).filter(state=Job.State.RUNNING, heartbeat__lt=Now() - dead_after)
    n = 0
    for job in dead.select_related(None):
        n += 1
        if job.in_hand and job.in_hand == job.suspect:
            annotating.set_aside(track=job.in_hand, reason=f"Two workers died while they were at: {job.doing}.")
        try_again(job=job, cause="its worker died, or lost the database", suspect=job.in_hand)
    for job in Job.urgent().select_for_update(skip_locked=True).filter(_sent_long_ago()):
        _queue(job)
    return n


def _sent_long_ago() -> Q:
    return Q(sent__lt=now() - RESEND_AFTER) | Q(sent__lt=now() - ROOM_AFTER, pk__in=Job.waiting_for_room())


@transaction.atomic
def send_comparisons() -> int:
    """Send the messages of comparisons, where no other job of any campaign waits; returns how many.

    Nobody waits for a comparison, and everybody for the clips of the next round: where one is due it begins first. A message that meets
    other work at the worker is spent (`Job.claim`); this sends it again, as it does one that was lost.
    """
    if Job.urgent().exists():
        return 0
    unsent = Q(sent=None) | _sent_long_ago()
    waiting = Job.objects.filter(unsent, state=Job.State.QUEUED, kind=Job.Kind.BASELINE).select_related("campaign").order_by("pk")
    jobs = [job for job in waiting.select_for_update(skip_locked=True, of=("self",)) if next_round_of(job.campaign) is None]
    for job in jobs:
        Job.objects.filter(pk=job.pk).update(sent=now())
        _send(job)
    return len(jobs)


def work_folder(adaptation_id: int) -> Path:
    """Where an adaptation's unfinished work lies, on the machine that does it."""
    return _work() / f"adaptation-{adaptation_id}"


def _work() -> Path:
    return Path(settings.HOME) / "work"


def remove_leftovers() -> int:
    """Remove the work folders on this machine whose adaptations have no job to come or at work; returns how many."""
    numbered = [(path.name.removeprefix("adaptation-"), path) for path in _work().glob("adaptation-*")]
    folders = {int(number): path for number, path in numbered if number.isdecimal()}
    if not folders:
        return 0
    still = Q(job__state__in=OPEN) | Q(baseline_job__state__in=OPEN)
    ended = Adaptation.objects.filter(pk__in=folders).exclude(still).values_list("pk", flat=True)
    for pk in ended:
        shutil.rmtree(folders[pk], ignore_errors=True)
    return len(ended)


# ---------------------------------------------------------------- rounds


def open_round_of(campaign: Campaign) -> Round | None:
    """The round that is under way."""
    under_way = [Round.State.SCORING, Round.State.ANNOTATING, Round.State.ADAPTING]
    return Round.objects.filter(campaign=campaign, state__in=under_way).select_related("parent").first()


@transaction.atomic
def start_round(*, campaign: Campaign) -> Round | None:
    """Open the next round with the current checkpoint and queue the choice of its clips; None: there is no call for one."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    number = next_round_of(campaign)
    if number is None:
        return None
    current = SharedModel.objects.select_related("current").get(campaign=campaign).current
    _keep_tracks_apart(campaign)
    job = queue_job(campaign=campaign, kind=Job.Kind.SCORE)
    opened = Round.objects.create(campaign=campaign, number=number, parent=current, scoring=job)
    record(campaign, "round.opened", after={"round": number, "checkpoint": current.hash})
    return opened


def next_round_of(campaign: Campaign) -> int | None:
    """The number of the round that is due to begin now; None: there is no call for one."""
    last = Round.objects.filter(campaign=campaign).order_by("-number").first()
    number = last.number + 1 if last else 1
    stuck = last is not None and last.state == Round.State.EXHAUSTED and not _new_in_pool(campaign, since=last).exists()
    no_more = campaign.max_rounds is not None and number > campaign.max_rounds
    has_model = SharedModel.objects.filter(campaign=campaign).exists()
    if campaign.paused or no_more or stuck or not has_model or open_round_of(campaign) or not _pool(campaign).exists():
        return None
    return number


def _pool(campaign: Campaign) -> QuerySet[Track]:
    return Track.objects.filter(campaign=campaign, use=Track.Use.POOL, set_aside=None)


def _new_in_pool(campaign: Campaign, *, since: Round) -> QuerySet[Track]:
    """Tracks that came into the pool, or back into it, after a round had ended."""
    return _pool(campaign).filter(Q(added__gt=since.finished) | Q(put_back__gt=since.finished))


def _keep_tracks_apart(campaign: Campaign) -> None:
    """Keep one pool track in six for the gate, drawn by the campaign's seed; once kept apart, always."""
    pool = list(_pool(campaign).order_by("pk"))
    wanted = len(pool) // KEEP_APART_FROM
    free = [track for track in pool if not track.kept_apart]
    drawn = sorted(free, key=lambda track: hashlib.sha256(f"{campaign.seed}:{track.fingerprint}".encode()).hexdigest())
    lacking = max(0, wanted - (len(pool) - len(free)))
    untouched = [track for track in drawn if not Task.objects.filter(track=track, kept_apart=False).exists()]
    Track.objects.filter(pk__in=[track.pk for track in untouched[:lacking]]).update(kept_apart=True)


@transaction.atomic
def freeze_feedback(*, round_: Round, who: Membership | None = None) -> Adaptation | None:
    """Freeze what the crowd agreed on in all rounds so far, and queue the adaptation; None: no marks, nothing new, or frozen already."""
    if not Round.objects.filter(pk=round_.pk, state=Round.State.ANNOTATING).update(state=Round.State.ADAPTING):
        return None
    campaign = round_.campaign
    consensuses = annotating.agree_over(campaign=campaign, up_to_round=round_.number)
    feedback_set = FeedbackSet.objects.create(round=round_, content_hash="")
    clips = [_freeze_clip(feedback_set, consensus) for consensus in consensuses]
    items = [item for _, regions in clips for item in regions]
    FeedbackItem.objects.bulk_create(items)
    FeedbackSet.objects.filter(pk=feedback_set.pk).update(content_hash=_content_hash(clips))
    # Without the second, a roll-back that withdraws a round's tasks would be undone at once by the very feedback it turned down.
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
    record(campaign, "feedback.frozen", who=who, after={"round": round_.number, "regions": len(items), "clips": len(clips)})
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
    reviewers = campaign.memberships.filter(active=True).exclude(role=Membership.Role.ANNOTATOR)
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
    last = Adaptation.objects.filter(campaign=campaign, verdict__in=JUDGED).order_by("-pk").first()
    if last is None:
        return {}
    promoted, costly = last.verdict == Adaptation.Verdict.PROMOTED, last.report.get("costly", False)
    strength = next_strength(last.recipe.get("strength", 1.0), promoted=promoted, costly=costly)
    return {"strength": strength} if strength < campaign.recipe.get("strength", 1.0) else {}


def _has_news(campaign: Campaign, consensuses: list[Consensus]) -> bool:
    """Whether a clip to learn from is among these that no adaptation has learned from and been judged for."""
    of_judged = FeedbackClip.objects.filter(feedback_set__adaptation__campaign=campaign, feedback_set__adaptation__verdict__in=JUDGED)
    known = set(of_judged.values_list("consensus__task", flat=True))
    return any(not consensus.task.kept_apart and consensus.task_id not in known for consensus in consensuses)


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


def _content_hash(clips: list[tuple[FeedbackClip, list[FeedbackItem]]]) -> str:
    """Depends on the sound and the regions only, so the same feedback has the same hash whoever gave it, in whatever order."""
    content = sorted(
        [clip.track.fingerprint, clip.start, clip.end, clip.kept_apart, [[item.start, item.end, item.weight] for item in items]]
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
    for campaign in Campaign.objects.all():
        try:
            annotating.expire_leases(campaign=campaign)
            annotating.withdraw_returned(campaign=campaign)
            advance(campaign=campaign)
        except OperationalError:
            raise  # the database is away, for all of them
        except Exception as error:
            error.add_note(f"in campaign {campaign.slug}")
            errors.append(error)
    send_comparisons()
    if errors:
        raise ExceptionGroup("some campaigns could not go on", errors)


def advance(*, campaign: Campaign) -> None:
    """Take the next step of a campaign's loop, if one is due."""
    under_way = open_round_of(campaign)
    if under_way is None:
        start_round(campaign=campaign)
    elif under_way.state == Round.State.ANNOTATING:
        annotating.take_due(campaign=campaign)  # of this round or an earlier one: the row is the truth, not the message
        annotating.close_stuck(campaign=campaign)
        # A contested task is no open one: it waits for its reviewer alone, and what they decide is in the next freeze.
        open_tasks = Task.objects.filter(campaign=campaign, state=Task.State.OPEN, round_number=under_way.number)
        if open_tasks.exists():
            Round.objects.filter(pk=under_way.pk).exclude(waiting_since=None).update(waiting_since=None)
            return
        if under_way.waiting_since is None and annotating.look_again(campaign=campaign, round_number=under_way.number):
            return
        if not wait_for_reviewers(round_=under_way):
            freeze_feedback(round_=under_way)
