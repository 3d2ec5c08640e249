"""Long work with torch: score the pool, adapt, compare. Actors call these with a job they have claimed.

Each may be killed at any point and is then run again by another attempt: files are named by their content, rows are unique, and
whatever ends the work is written in one transaction that first makes sure that the job is still this worker's.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core import label_studio
from annotation.events import publish, record
from annotation.files import storage
from annotation.models import Campaign, Estimate, Submission, Task, Track
from annotation.services import making_gold
from annotation.spoilt import SpoiltTrack, blamed
from learner import services
from learner.core import checkpoint, metrics
from learner.core.choosing import acquisition, uncertainty
from learner.core.files import writing
from learner.core.files.plain import plain
from learner.core.judging import evidence, gate
from learner.core.judging.evidence import Evidence, KeptApart
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.songs.streaming import OnDemand
from learner.core.teaching import adapt
from learner.core.teaching.feedback import Mark
from learner.core.teaching.progress import Progress
from learner.core.teaching.shelf import OnDisk, Shelf
from learner.evaluating import Audio, Figures, Measured, figures, keep, reference
from learner.models import Adaptation, Checkpoint, Evaluation, FeedbackClip, FeedbackSet, Job, Round, Score
from learner.readiness import check_ready
from learner.tracks import Sieve, in_use, sound_of, sounds_of

torch.set_num_threads(settings.TORCH_THREADS)
SAY_EVERY = 1.0  # seconds between two writes of a job's progress
LEAK_ALONE = "By its predicted leak alone: the model has no dropout, so how unsure it is cannot be measured."


class Pulse:
    """Writes a job's progress, not more often than needed; raises `Lost` when the job is another worker's."""

    def __init__(self, job: Job, total: int) -> None:
        self.job, self.total, self.last = job, total, 0.0

    def __call__(self, step: int, doing: str) -> None:
        self.job.doing = doing  # for the reason, should this be the last that it does
        if time.monotonic() - self.last >= SAY_EVERY or step == self.total:
            self.last = time.monotonic()
            self.job.beat(step, self.total, doing)
            publish(self.job.campaign_id, "job", self.job.pk)


def load(row: Checkpoint) -> Separator:
    return checkpoint.load(storage.local(row.stored))


# ---------------------------------------------------------------- scoring


def score_pool(job: Job) -> None:
    """Separate every pool track with the round's checkpoint, score its clips, and open tasks on the ones most worth a minute.

    A track that cannot be separated or scored is set aside; the round goes on with the others.
    """
    round_ = Round.objects.select_related("parent", "campaign").get(scoring=job)
    campaign, row = round_.campaign, round_.parent
    check_ready(campaign)
    # One that took a worker's life comes last, so that it costs the others nothing.
    tracks = sorted(in_use(campaign, Track.Use.POOL), key=lambda track: track.pk == job.suspect_id)
    pulse, separator, sieve, before = Pulse(job, len(tracks)), load(row), Sieve(job), count()

    def score(track: Track) -> None:
        doing = f"separating and scoring {track.name}"
        pulse(next(before), doing)
        if not _is_scored(campaign, track, row):
            job.take(track, doing)
            _score_track(campaign, track, row, separator)

    sieve.through("separated and scored", tracks, score, again=lambda track: _separate_a_clip(campaign, track, separator))
    job.take(None)
    pulse(len(tracks), "choosing clips")
    clips = choose_clips(campaign, round_, row)
    pulse(len(tracks), "making gold tasks")
    n_gold = making_gold.wanted_gold(campaign, len(clips)) if clips else 0
    spoilt: list[SpoiltTrack] = []
    golds = making_gold.prepare_gold(campaign=campaign, n=n_gold, separate=partial(separate, separator), spoilt=spoilt)
    sieve.set_aside(spoilt, "separated", lambda: _separate_a_clip(campaign, clips[0].track, separator))
    with transaction.atomic():
        services.finish(job=job)
        if clips:
            annotating.open_tasks(campaign=campaign, checkpoint=row.hash, round_number=round_.number, clips=clips, golds=golds)
        state = Round.State.ANNOTATING if clips else Round.State.EXHAUSTED
        Round.objects.filter(pk=round_.pk).update(state=state, finished=None if clips else now())
        publish(campaign.pk, "round", round_.pk)


def _is_scored(campaign: Campaign, track: Track, row: Checkpoint) -> bool:
    """Whether an earlier round or attempt has kept the estimate of a track and the scores of its clips."""
    scored = set(Score.objects.filter(checkpoint=row, track=track).values_list("start", "end"))
    kept = Estimate.objects.filter(track=track, stem=campaign.stem, checkpoint=row.hash)
    return scored.issuperset(clips_of(track.duration, campaign.clip_seconds)) and kept.exists()


def _score_track(campaign: Campaign, track: Track, row: Checkpoint, separator: Separator) -> None:
    """Keep the estimate of a track and the scores of its clips. Raises `SpoiltTrack`."""
    spans = clips_of(track.duration, campaign.clip_seconds)
    mix = sound_of(track, "mixture")
    with blamed(track, "It cannot be separated and scored"):
        estimate = separate(separator, mix.samples, mix.sample_rate)
        if not np.isfinite(estimate).all():
            raise ValueError("what was extracted is no sound: it holds NaN or infinity")
        generator = torch.Generator().manual_seed(campaign.seed * 100_003 + int(track.fingerprint[:6], 16))
        has_dropout = uncertainty.has_dropout(separator)
        unsure = uncertainty.uncertainty(separator, mix.samples, mix.sample_rate, generator) if has_dropout else None
        scores = {}
        for start, end in spans:
            first, last = round(start * mix.sample_rate), round(end * mix.sample_rate)
            leak = uncertainty.predicted_leak(estimate[:, first:last], mix.samples[:, first:last], mix.sample_rate)
            scores[start, end] = None if unsure is None else _mean(unsure, start, end), leak
    with tempfile.TemporaryDirectory() as scratch:
        file = writing.write(Path(scratch) / "estimate.flac", estimate, mix.sample_rate)
        annotating.keep_estimate(track=track, stem=campaign.stem, checkpoint=row.hash, file=file)
    for (start, end), (spread, leak) in scores.items():
        Score.objects.update_or_create(
            checkpoint=row,
            track=track,
            start=start,
            defaults={"end": end, "uncertainty": spread, "predicted_leak": leak, "value": (spread or 0.0) + leak},
        )  # both are factors of the mix's amplitude; the leak is what finds damage inside a foreign genre


def _separate_a_clip(campaign: Campaign, track: Track, separator: Separator) -> None:
    """Separate the beginning of a track that came through before. Raises `SpoiltTrack` where it no longer does."""
    mix = sound_of(track, "mixture")
    with blamed(track, "It cannot be separated"):
        separate(separator, mix.samples[:, : round(campaign.clip_seconds * mix.sample_rate)], mix.sample_rate)


def _mean(frames: np.ndarray, start: float, end: float) -> float:
    """Mean over the frames of 0.1 s of a stretch in seconds."""
    stretch = frames[round(start * 10) : round(end * 10)]
    return float(stretch.mean()) if len(stretch) else 0.0


def clips_of(duration: float, length: float) -> list[tuple[float, float]]:
    """Cut a track into clips of `length` seconds; a rest of 10 s or more is a clip too, and so is a short track as a whole."""
    whole = int(duration // length)
    spans = [(i * length, (i + 1) * length) for i in range(whole)]
    if duration - whole * length >= 10 or not spans:
        spans.append((whole * length, duration))
    return spans


def choose_clips(campaign: Campaign, round_: Round, row: Checkpoint) -> list[annotating.Clip]:
    """The round's clips: scored ones and a random share, none heard before; a clip of a track kept apart is for the gate."""
    done = set(
        Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL).exclude(state=Task.State.WITHDRAWN).values_list("track_id", "start")
    )
    open_scores = [
        score
        for score in Score.objects.filter(checkpoint=row, track__campaign=campaign, track__set_aside=None)
        .select_related("track")
        .order_by("track_id", "start")
        if (score.track_id, score.start) not in done
        # The campaign's clips may have had another length when this checkpoint was scored before.
        and (score.start, score.end) in clips_of(score.track.duration, campaign.clip_seconds)
    ]
    generator = np.random.default_rng([campaign.seed, round_.number])
    learning = [score for score in open_scores if not score.track.kept_apart]
    apart = [score for score in open_scores if score.track.kept_apart]
    n_apart = min(1, len(apart)) if campaign.clips_per_round > 2 else 0
    chosen = _choose(learning, campaign.clips_per_round - n_apart, campaign.random_share, generator, kept_apart=False)
    # Only clips drawn at random say without flattery what a child does; so these are.
    return chosen + _choose(apart, n_apart, 1.0, generator, kept_apart=True)


def _choose(scores: list[Score], n: int, random_share: float, generator: np.random.Generator, *, kept_apart: bool) -> list[annotating.Clip]:
    candidates = [acquisition.Candidate(score.track_id, score.start, score.end, score.value) for score in scores]
    tracks = {score.track_id: score.track for score in scores}
    by_leak_alone = any(score.uncertainty is None for score in scores)
    return [
        annotating.Clip(
            track=tracks[int(str(one.candidate.track))],
            start=one.candidate.start,
            end=one.candidate.end,
            arm=one.arm,
            chance=one.chance,
            reason=f"{one.reason} {LEAK_ALONE}" if by_leak_alone and one.arm == "score" else one.reason,
            kept_apart=kept_apart,
        )
        for one in acquisition.choose(candidates, n, random_share, generator)
    ]


# ---------------------------------------------------------------- adapting


@dataclass(frozen=True)
class Plan:
    """What one adaptation works with, read from its rows once."""

    adaptation: Adaptation
    campaign: Campaign
    parent: Checkpoint
    base: Checkpoint  # that the campaign began with
    recipe: adapt.Recipe
    folder: Path  # of unfinished work; a killed job goes on from there
    sieve: Sieve  # of the tracks that spoil the work

    @classmethod
    def of(cls, adaptation: Adaptation, job: Job) -> Plan:
        campaign = adaptation.campaign
        first = Round.objects.select_related("parent").get(campaign=campaign, number=1)
        recipe = adapt.Recipe.changed(adaptation.recipe)
        return cls(adaptation, campaign, adaptation.parent, first.parent, recipe, services.work_folder(adaptation.pk), Sieve(job))


def run_adaptation(job: Job) -> None:
    """Adapt the parent to the feedback, compare the child with it, and promote the child or not."""
    plan = Plan.of(Adaptation.objects.select_related("campaign", "parent", "feedback_set__round").get(job=job), job)
    pulse = Pulse(job, plan.recipe.steps + 4)
    pulse(0, "reading feedback and songs")
    check_results(plan.adaptation.feedback_set)
    try:
        with Shelf(0, plan.folder) as shelf:
            adapted = _adapt(plan, feedback_of(plan, shelf), pulse, "child")
    except adapt.Diverged as error:
        _close(job, plan, Adaptation.Verdict.REFUSED, [f"The adaptation gave no child: {error}.", *plan.sieve.words])
        return
    pulse(plan.recipe.steps + 1, "measuring parent and child")
    parent, child = load(plan.parent), checkpoint.load(adapted.path)
    earlier = [] if plan.base == plan.parent else [load(plan.base)]
    before, after, *first = _measured(plan, parent, child, *earlier)
    generator = np.random.default_rng(plan.adaptation.seed)
    judged = gate.decide(before, after, generator=generator, first=first[0] if first else None)
    if adapted.guard:  # the learner's own guard looks at what people heard and let pass, which the gate knows little of
        judged = gate.Verdict(False, [f"The adaptation's own guard refuses: {adapted.guard}.", *judged.reasons], judged.costly)
    pulse(plan.recipe.steps + 3, "measuring on test songs")
    tracks, found = _test(plan, {"parent": parent, "child": child})
    row = services.keep_checkpoint(file=adapted.path, parent=plan.parent)  # named by its content: a second attempt keeps the same
    with transaction.atomic():
        job.hold()
        for subject, measured in found.items():
            checkpoint_of = {"parent": plan.parent, "child": row, "gain": plan.parent}.get(subject)
            kind = Evaluation.Subject.CHECKPOINT if subject in ("parent", "child") else subject
            keep(campaign=plan.campaign, subject=kind, checkpoint=checkpoint_of, use=Track.Use.TEST, tracks=tracks, measured=measured)
        promoted = judged.promote and services.promote(adaptation=plan.adaptation, child=row)
        verdict = Adaptation.Verdict.PROMOTED if promoted else Adaptation.Verdict.STALE if judged.promote else Adaptation.Verdict.REFUSED
        _close(
            job, plan, verdict, [*judged.reasons, *plan.sieve.words], child=row, report=plain(adapted.report) | {"costly": judged.costly}
        )


@transaction.atomic
def _close(job: Job, plan: Plan, verdict: str, reasons: list[str], child: Checkpoint | None = None, report: dict | None = None) -> None:
    """Write the verdict, end the round and the job, and queue the comparison with replay alone."""
    services.finish(job=job)
    baseline = services.queue_job(campaign=plan.campaign, kind=Job.Kind.BASELINE) if plan.campaign.compare_with_replay else None
    Adaptation.objects.filter(pk=plan.adaptation.pk).update(
        verdict=verdict, reasons=reasons, child=child, report=report or {}, finished=now(), baseline_job=baseline
    )
    state = Round.State.PROMOTED if verdict == Adaptation.Verdict.PROMOTED else Round.State.REFUSED
    Round.objects.filter(pk=plan.adaptation.feedback_set.round_id).update(state=state, finished=now())
    record(
        plan.campaign, "round.finished", after={"round": plan.adaptation.feedback_set.round.number, "verdict": verdict, "reasons": reasons}
    )
    # Not before: killed in between, the next attempt goes on from what lies there.
    transaction.on_commit(lambda: shutil.rmtree(plan.folder / "child", ignore_errors=True))


def run_baseline(job: Job) -> None:
    """The same steps on replay alone, without feedback: what fine-tuning by itself would have changed."""
    plan = Plan.of(Adaptation.objects.select_related("campaign", "parent", "feedback_set__round").get(baseline_job=job), job)
    pulse = Pulse(job, plan.recipe.steps + 1)
    adapted = _adapt(plan, [], pulse, "replay-only")
    tracks, found = _test(plan, {"replay only": checkpoint.load(adapted.path)}, trivial=False)
    row = services.keep_checkpoint(file=adapted.path, parent=plan.parent)
    with transaction.atomic():
        services.finish(job=job)
        keep(
            campaign=plan.campaign,
            subject=Evaluation.Subject.REPLAY_ONLY,
            checkpoint=row,
            use=Track.Use.TEST,
            tracks=tracks,
            measured=found["replay only"],
        )
        Adaptation.objects.filter(pk=plan.adaptation.pk).update(replay_only=row)
    shutil.rmtree(plan.folder, ignore_errors=True)


def _adapt(plan: Plan, feedback: Sequence[adapt.MarkedSong], pulse: Pulse, name: str) -> adapt.Adapted:
    folder = plan.folder / name
    folder.mkdir(parents=True, exist_ok=True)

    def progress(at: Progress) -> None:
        pulse(at.step, at.doing or f"step {at.step} of {at.total}, loss {at.loss:.3f}, about {at.eta:.0f} s left")

    return adapt.adapt(
        storage.local(plan.parent.stored),
        feedback,
        _songs(plan, Track.Use.REPLAY),
        _songs(plan, Track.Use.VALIDATION),
        recipe=plan.recipe,
        seed=plan.adaptation.seed,
        out=folder,
        first=storage.local(plan.base.stored),
        state=folder / "state",
        in_memory=1_000_000 * settings.ADAPTATION_MEGABYTES,
        progress=progress,
    )


def check_results(feedback_set: FeedbackSet) -> None:
    """Hold every answer that the feedback rests on against the labelling config with Label Studio's SDK; raises `BadRegion`.

    Our own geometry check at submit is the stricter one. This one sits here because the SDK is heavy, and this process is anyway.
    """
    config = label_studio.labelling_config()
    for result in Submission.objects.filter(used_in__in=feedback_set.clips.values("consensus")).values_list("result", flat=True):
        label_studio.check_result(result, config)


def feedback_of(plan: Plan, shelf: Shelf) -> Sequence[adapt.MarkedSong]:
    """One marked song per listened clip that is not kept apart, cut to the clip; its sound lies on the shelf until it is asked for."""
    rate, clips = plan.parent.sample_rate, _clips(plan, kept_apart=False)

    def marked(track: Track) -> list[partial[adapt.MarkedSong]]:
        songs = []
        for clip, mix in zip(clips[track], sounds_of(track, "mixture", rate, spans_of(clips[track])), strict=True):
            marks = [(item.start - clip.start, item.end - clip.start, item.weight) for item in clip.items.order_by("start")]
            name = f"{track.name} {clip.start:.0f}-{clip.end:.0f} s"
            songs.append(partial(_marked, name, rate, shelf.put(torch.from_numpy(mix.samples)), marks, mix.duration))
        return songs

    found = [song for songs in plan.sieve.through("read that people marked", list(clips), marked) for song in songs]
    return OnDemand(len(found), lambda number: found[number]())


def _marked(name: str, rate: int, sound: torch.Tensor | OnDisk, marks: list[Mark], duration: float) -> adapt.MarkedSong:
    return adapt.MarkedSong(name, rate, sound[..., :].numpy(), marks, [(0.0, duration)])


def _clips(plan: Plan, *, kept_apart: bool) -> dict[Track, list[FeedbackClip]]:
    """The listened clips of each track, from its start to its end."""
    found: dict[Track, list[FeedbackClip]] = {}
    clips = plan.adaptation.feedback_set.clips.filter(kept_apart=kept_apart).select_related("track", "consensus__task")
    for clip in clips.order_by("track_id", "start"):
        found.setdefault(clip.track, []).append(clip)
    return found


def spans_of(clips: list[FeedbackClip]) -> list[tuple[float, float]]:
    return [(clip.start, clip.end) for clip in clips]


def _songs(plan: Plan, use: str) -> list[Song]:
    """Tracks with known stems as the learner takes them: what the campaign listens to as their vocals, the rest as accompaniment."""
    rate, stem = plan.parent.sample_rate, plan.campaign.stem
    stems = ("mixture", stem, services.REST[stem])

    def song(track: Track) -> Song:
        sounds = [sound_of(track, name, rate).samples for name in stems]
        n = min(sound.shape[1] for sound in sounds)
        return Song(track.name, rate, *(sound[:, :n] for sound in sounds))

    return plan.sieve.through(f"read for {use}", in_use(plan.campaign, use, *stems), song)


# ---------------------------------------------------------------- comparing


def _measured(plan: Plan, *separators: Separator) -> list[gate.Measured]:
    """What parent, child and others do on gate songs, and on clips whose marks nobody learns from: each song by all, or by none."""
    rate, clips = plan.parent.sample_rate, _clips(plan, kept_apart=True)

    def on_song(track: Track) -> list[gate.Measured]:
        song = reference(track, rate)
        with blamed(track, "It cannot be separated and measured"):
            return evidence.measure(Evidence({track.domain: [Song(str(track.pk), rate, song.mixture, song.vocals)]}), *separators)

    def on_clips(track: Track) -> list[gate.Measured]:
        apart = []
        for clip, mix in zip(clips[track], sounds_of(track, "mixture", rate, spans_of(clips[track])), strict=True):
            marks = [(item.start - clip.start, item.end - clip.start) for item in clip.items.order_by("start")]
            at_random = clip.consensus.task.arm == Task.Arm.RANDOM
            apart.append(KeptApart(f"{track.pk}:{clip.start}", mix.samples, rate, marks, at_random))
        with blamed(track, "It cannot be separated and measured"):
            return evidence.measure(Evidence(clips=apart), *separators)

    parts = plan.sieve.through("measured for the gate", in_use(plan.campaign, Track.Use.GATE, "mixture", plan.campaign.stem), on_song)
    parts += plan.sieve.through("measured that are kept apart for the gate", list(clips), on_clips)
    return [gate.join(part[number] for part in parts) for number in range(len(separators))]


def _test(plan: Plan, separators: dict[str, Separator], trivial: bool = True) -> tuple[list[Track], dict[str, Measured]]:
    """The figures of these separators, and of the trivial baselines, on the test songs: each song by all, or by none."""
    rate, parent = plan.parent.sample_rate, separators.get("parent") or load(plan.parent)
    base = parent if plan.base == plan.parent else load(plan.base)
    gain = _best_gain(plan) if trivial else 1.0

    def on_song(track: Track) -> tuple[Track, dict[str, Figures]]:
        song = reference(track, rate)
        with blamed(track, "It cannot be separated and measured"):
            parents = separate(parent, song.mixture, rate)
            bases = parents if base is parent else separate(base, song.mixture, rate)
            found = {}
            for name, separator in separators.items():
                estimate = parents if separator is parent else separate(separator, song.mixture, rate)
                found[name] = figures(song, estimate, {"base": bases} if name == "parent" else {"parent": parents, "base": bases})
            if trivial:
                found |= {"silence": figures(song, np.zeros_like(song.mixture)), "mixture": figures(song, song.mixture)}
                found |= {"gain": figures(song, gain * parents)}
        return track, found

    measured = plan.sieve.through("measured for the test", in_use(plan.campaign, Track.Use.TEST, "mixture", plan.campaign.stem), on_song)
    subjects = [*separators, *(("silence", "mixture", "gain") if trivial else ())]
    return [track for track, _ in measured], {name: Measured({track.pk: found[name] for track, found in measured}) for name in subjects}


def _best_gain(plan: Plan) -> float:
    """The constant factor on the parent's output that is best for the validation songs, by song SDR."""
    parent = load(plan.parent)

    def pair(track: Track) -> tuple[Audio, Audio]:
        song = reference(track, plan.parent.sample_rate)
        with blamed(track, "It cannot be separated"):
            return separate(parent, song.mixture, song.sample_rate), song.vocals

    pairs = plan.sieve.through("measured for validation", in_use(plan.campaign, Track.Use.VALIDATION, "mixture", plan.campaign.stem), pair)
    return metrics.best_constant_gain([estimate for estimate, _ in pairs], [vocals for _, vocals in pairs]) if pairs else 1.0
