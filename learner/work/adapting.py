"""Adapt the parent to the feedback, compare, promote or refuse; and the same steps on replay alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from annotation.core import label_studio
from annotation.core.stems import rest_of
from annotation.events import record
from annotation.files import storage
from annotation.models import Submission, Track
from learner import selectors, services
from learner.core import checkpoint
from learner.core.files.plain import plain
from learner.core.judging import gate, objection
from learner.core.judging.stem_words import said_of
from learner.core.songs import Song
from learner.core.songs.streaming import OnDemand
from learner.core.teaching import adapt, one_song
from learner.core.teaching.feedback import Mark
from learner.core.teaching.progress import Progress
from learner.core.teaching.tensor_store import OnDisk, TensorStore
from learner.models import Adaptation, Checkpoint, Evaluation, FeedbackSet, Job, Round
from learner.work.advising import advise
from learner.work.judged import Listening, add_replay, figures_of_gate, figures_of_test
from learner.work.measuring import Measured, keep, measured_for_gate, measured_on_test_songs
from learner.work.past import Mix, from_pool, mixes
from learner.work.plan import Plan, Pulse, listened_clips, load, spans_of
from learner.work.tracks import in_use, sound_of, sounds_of

BY_EAR = "Nobody but you judges your song: hear it before and after."


def run_adaptation(job: Job) -> None:
    """Adapt the parent to the feedback, compare the child with it, and promote the child or not."""
    plan = Plan.of(Adaptation.objects.select_related("campaign", "parent", "feedback_set__round").get(job=job), job)
    pulse = Pulse(job, plan.recipe.steps + 4)
    pulse(0, "reading feedback and songs")
    try:
        adapted = learn(plan, pulse)
    except (adapt.Diverged, one_song.NothingKept) as error:
        _close(
            job,
            plan,
            Adaptation.Verdict.REFUSED,
            [said_of(plan.campaign.stem, f"The adaptation gave no child: {error}."), *plan.usable.words],
        )
        return
    pulse(plan.recipe.steps + 1, "measuring parent and child")
    parent, child = load(plan.parent), checkpoint.load(adapted.path)
    earlier = [] if plan.base == plan.parent else [load(plan.base)]
    listening = Listening()
    before, after, *base = measured_for_gate(plan, parent, child, *earlier, listening=listening)
    generator = np.random.default_rng(plan.adaptation.seed)
    rules = selectors.rules_of(plan.campaign)
    judged = gate.decide(before, after, rules, generator, base=base[0] if base else None)
    if selectors.is_judged_by_ear(plan.campaign):
        judged = gate.Verdict(True, [BY_EAR])
    # The adaptation looks at what people heard and let pass, which the gate knows little of.
    judged = objection.weighed(judged, objection.Objection(adapted.refused_because, adapted.doubt), before, after, rules)
    pulse(plan.recipe.steps + 3, "measuring on test songs")
    tracks, found = measured_on_test_songs(plan, {"parent": parent, "child": child}, listening=listening)
    of_songs = figures_of_gate({"parent": before, "child": after} | ({"base": base[0]} if base else {})) | _figures_of_test(found)
    row = services.keep_checkpoint(file=adapted.path, parent=plan.parent)  # named by its content: a second attempt keeps the same
    with transaction.atomic():
        job.hold()
        for subject, measured in found.items():
            checkpoint_of = {"parent": plan.parent, "child": row, "gain": plan.parent}.get(subject)
            kind = Evaluation.Subject.CHECKPOINT if subject in ("parent", "child") else subject
            keep(campaign=plan.campaign, subject=kind, checkpoint=checkpoint_of, use=Track.Use.TEST, tracks=tracks, measured=measured)
        promoted = judged.promote and services.promote(adaptation=plan.adaptation, child=row)
        verdict = Adaptation.Verdict.PROMOTED if promoted else Adaptation.Verdict.STALE if judged.promote else Adaptation.Verdict.REFUSED
        judgement = [said_of(plan.campaign.stem, sentence) for sentence in (*judged.reasons, adapted.report["held_back"])]
        reasons = [*judgement, *plan.usable.words]
        rests_on = {said_of(plan.campaign.stem, sentence): [on.evidence, on.metric, on.against] for sentence, on in judged.rests_on.items()}
        listening.keep(plan.adaptation, of_songs)
        report = plain(adapted.report) | {"costly": judged.costly, "doubted": adapted.doubt}
        _close(job, plan, verdict, reasons, child=row, report=report, rests_on=rests_on)
        advise(plan)


def learn(plan: Plan, pulse: Pulse) -> adapt.Adapted:
    """The child that comes of the frozen feedback. Raises `Diverged` and `NothingKept`."""
    check_results(plan.adaptation.feedback_set)
    with TensorStore(0, plan.folder) as store:
        feedback = feedback_of(plan, store)
        fits = selectors.fits_one_song(plan.campaign) and plan.recipe.pseudo_replay
        return _fit(plan, feedback, pulse) if fits else _adapt(plan, feedback, pulse, "child")


def learn_by_replay(plan: Plan, pulse: Pulse) -> adapt.Adapted:
    """What comes of the same steps without feedback."""
    return _adapt(plan, [], pulse, "replay-only")


@transaction.atomic
def _close(
    job: Job,
    plan: Plan,
    verdict: str,
    reasons: list[str],
    child: Checkpoint | None = None,
    report: dict[str, Any] | None = None,
    rests_on: dict[str, list[str]] | None = None,
) -> None:
    """Write the verdict, end the round and the job, and queue the comparison with replay alone."""
    services.finish(job=job)
    baseline = services.queue_job(campaign=plan.campaign, kind=Job.Kind.BASELINE) if plan.campaign.compare_with_replay else None
    Adaptation.objects.filter(pk=plan.adaptation.pk).update(
        verdict=verdict,
        reasons=reasons,
        rests_on=rests_on or {},
        child=child,
        report=report or {},
        finished=now(),
        baseline_job=baseline,
    )
    if child:
        services.flag_checkpoints(campaign=plan.campaign)  # somebody may have left while it learned
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
    adapted = learn_by_replay(plan, pulse)
    replay = checkpoint.load(adapted.path)
    tracks, found = measured_on_test_songs(plan, {"replay only": replay}, trivial=False)
    _, for_gate = measured_for_gate(plan, load(plan.parent), replay)
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
        add_replay(plan.adaptation, figures_of_gate({"replay only": for_gate}) | _figures_of_test(found))
        advise(plan)
    shutil.rmtree(plan.folder, ignore_errors=True)


def _figures_of_test(found: Mapping[str, Measured]) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    return figures_of_test({subject: measured.by_track for subject, measured in found.items()})


def _adapt(plan: Plan, feedback: Sequence[adapt.MarkedSong], pulse: Pulse, name: str) -> adapt.Adapted:
    folder = plan.folder / name
    folder.mkdir(parents=True, exist_ok=True)

    def progress(at: Progress) -> None:
        pulse(at.step, at.doing or f"step {at.step} of {at.total}, loss {at.loss:.3f}, about {at.eta:.0f} s left")

    pool = from_pool(plan)
    return adapt.adapt(
        storage.local(plan.parent.stored),
        feedback,
        _songs(plan, Track.Use.REPLAY, pool),
        _songs(plan, Track.Use.VALIDATION, pool),
        recipe=plan.recipe,
        seed=plan.adaptation.seed,
        out=folder,
        base=storage.local(plan.base.stored),
        state=folder / "state",
        in_memory=1_000_000 * settings.ADAPTATION_MEGABYTES,
        progress=progress,
    )


def _fit(plan: Plan, heard: Sequence[adapt.MarkedSong], pulse: Pulse) -> adapt.Adapted:
    """Fit the parent to the campaign's one song; killed, it begins anew."""
    folder = plan.folder / "child"
    folder.mkdir(parents=True, exist_ok=True)

    def progress(at: Progress) -> None:
        pulse(at.step, at.doing or f"step {at.step} of {at.total}, about {at.eta:.0f} s left")

    parent = storage.local(plan.parent.stored)
    return one_song.fit_clips(parent, list(heard), recipe=plan.recipe, seed=plan.adaptation.seed, out=folder, progress=progress)


def check_results(feedback_set: FeedbackSet) -> None:
    """Hold every answer that the feedback rests on against the labelling config with Label Studio's SDK; raises `BadRegion`.

    Our own geometry check at submit is the stricter one. This one sits here because the SDK is heavy, and this process is anyway.
    """
    campaign = feedback_set.round.campaign
    # Answers to earlier rules of the campaign had other tags.
    for result in Submission.objects.filter(used_in__in=feedback_set.clips.values("consensus")).values_list("result", flat=True):
        tags = {tag for item in result if item["from_name"] == label_studio.TAG_NAME for tag in item["value"].get("choices", [])}
        label_studio.check_result(result, label_studio.labelling_config(campaign.stem, sorted(tags), missing=True))


def feedback_of(plan: Plan, store: TensorStore) -> Sequence[adapt.MarkedSong]:
    """One marked song per listened clip that is not kept apart, cut to the clip; its sound lies in the store until it is asked for."""
    rate, clips = plan.parent.sample_rate, listened_clips(plan, kept_apart=False)

    def marked(track: Track) -> list[partial[adapt.MarkedSong]]:
        songs = []
        for clip, mix in zip(clips[track], sounds_of(track, "mixture", rate, spans_of(clips[track])), strict=True):
            marks = [(item.start - clip.start, item.end - clip.start, item.weight) for item in clip.items.order_by("start")]
            missing = [(one.start - clip.start, one.end - clip.start, one.probability) for one in clip.consensus.missing.order_by("start")]
            name = f"{track.name} {clip.start:.0f}-{clip.end:.0f} s"
            songs.append(partial(_marked, name, rate, store.put(torch.from_numpy(mix.samples)), marks, missing, mix.duration))
        return songs

    found = [song for songs in plan.usable.through("read that people marked", list(clips), marked) for song in songs]
    return OnDemand(len(found), lambda number: found[number]())


def _marked(
    name: str, rate: int, sound: torch.Tensor | OnDisk, marks: list[Mark], missing: list[Mark], duration: float
) -> adapt.MarkedSong:
    return adapt.MarkedSong(name, rate, sound[..., :].numpy(), marks, [(0.0, duration)], missing)


def _songs(plan: Plan, use: str, pool: Mapping[str, list[Mix]]) -> list[Song]:
    """Tracks with known stems as the learner takes them: what the campaign listens to as their vocals, the rest as accompaniment.

    Where the recipe has `pseudo_replay`, also those that are mixes alone, and of `pool` what stands for those of a use.
    """
    rate, stem = plan.parent.sample_rate, plan.campaign.stem
    stems = ("mixture", stem, rest_of(stem))

    def song(track: Track) -> Song:
        known = {one.name for one in track.stems.all()}
        sounds = [sound_of(track, name, rate).samples for name in (stems if known >= set(stems) else stems[:1])]
        n = min(sound.shape[1] for sound in sounds)
        return Song(track.name, rate, *(sound[:, :n] for sound in sounds))

    needed = stems[:1] if plan.recipe.pseudo_replay else stems
    found = plan.usable.through(f"read for {use}", in_use(plan.campaign, use, *needed), song)
    return found or mixes(plan, use, pool.get(use, []))
