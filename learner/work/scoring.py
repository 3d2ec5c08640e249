"""Separate and score the pool, choose the clips most worth a person's minute, and open their tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now

from annotation import services as annotating
from annotation.events import publish
from annotation.files import storage
from annotation.files.unusable import UnusableTrack, blamed
from annotation.models import Campaign, Estimate, Task, Track
from annotation.services import gold_sounds
from learner import services
from learner.core import audio, metrics
from learner.core.choosing import acquisition, cutting, pool
from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies import BY_NAME, DEFAULT, Quota
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.models import Checkpoint, Job, Round, Score, Signals
from learner.readiness import check_ready
from learner.work import opinions
from learner.work.foretelling import foretell
from learner.work.plan import Pulse, load
from learner.work.signals import is_scored, latest_scores, measure_clips_dearly, measure_track, suspicion
from learner.work.tracks import UsableTracks, in_use, sound_of

FEW = 200  # clips of a pool that are always looked at by all means, however long a separator takes
APART = 4  # one clip in so many is for the gate, where no songs with stems show it what a child gains; otherwise one in all


def score_pool(job: Job) -> None:
    """Separate every pool track with the round's checkpoint, score its clips, and open tasks on the ones most worth a minute.

    A track that cannot be separated or scored is set aside; the round goes on with the others. It does not wait for a large pool that
    an ancestor of the checkpoint has scored: clips are chosen by those scores, only their songs are scored anew before people hear them,
    and the others later (`rescoring`).
    """
    round_ = Round.objects.select_related("parent", "campaign").get(scoring=job)
    campaign, row = round_.campaign, round_.parent
    check_ready(campaign, row)
    # One that took a worker's life comes last, so that it costs the others nothing.
    tracks = sorted(in_use(campaign, Track.Use.POOL), key=lambda track: track.pk == job.suspect_id)
    pulse, separator, usable, before = Pulse(job, len(tracks)), load(row), UsableTracks(job), count()
    n_dear, all_dear = dear_clips(campaign, separator)
    scored_before = {score.track_id for score in latest_scores(campaign, row)} if _n_clips(campaign) > FEW else set()

    def score(track: Track) -> None:
        doing = f"separating and scoring {track.name}"
        pulse(min(next(before), len(tracks)), doing)
        if not is_scored(track, row):
            job.work_on(track, doing)
            measure_track(track, row, separator, dear=all_dear)

    def proof(track: Track) -> None:
        separate_a_clip(campaign, track, separator)

    usable.through("separated and scored", [track for track in tracks if track.pk not in scored_before], score, again=proof)
    if not all_dear and not scored_before:
        score_dearly(job, pulse, usable, n_dear, row, separator, proof)
    job.work_on(None)
    pulse(len(tracks), "choosing clips")
    scores = latest_scores(campaign, row)
    by = {one.track_id: one.checkpoint for one in scores}
    looked_at = [heard(track, by[track.pk], separator.architecture) for track in in_use(campaign, Track.Use.POOL) if track.pk in by]
    songs = [song for song in looked_at if song is not None]
    quiet = bool(songs) and not pool.may_leak(songs) and not services.goes_on_though_quiet(campaign)
    clips = [] if quiet else choose_clips(campaign, round_, row, scores)
    usable.through("separated and scored", list({clip.track for clip in clips}), score, again=proof)
    job.work_on(None)
    clips = [clip for clip in clips if clip.track not in {one.track for one in usable.left_out}]
    pulse(len(tracks), "making gold tasks")
    n_gold = gold_sounds.wanted_gold(campaign, len(clips)) if clips else 0
    unusable: list[UnusableTrack] = []
    lengths = [clip.end - clip.start for clip in clips]
    golds = gold_sounds.prepare_gold(campaign=campaign, n=n_gold, separate=partial(separate, separator), lengths=lengths, unusable=unusable)
    usable.set_aside(unusable, "separated", lambda: separate_a_clip(campaign, clips[0].track, separator))
    clips, again = opinions.instead(campaign, clips)
    with transaction.atomic():
        services.finish(job=job)
        if again:
            annotating.ask_once_more(campaign=campaign, round_number=round_.number, worth=again.worth, instead=again.instead)
        if clips:
            annotating.open_tasks(campaign=campaign, checkpoint=row.hash, round_number=round_.number, clips=clips, golds=golds)
        if clips and any(checkpoint != row for checkpoint in by.values()):
            services.rescore_later(campaign=campaign)
        services.look_through_pool(round_=round_, said=pool.in_words(songs, campaign.stem, len(looked_at) - len(songs)), quiet=quiet)
        listens = bool(clips or again)
        state = Round.State.ANNOTATING if listens else Round.State.EXHAUSTED
        Round.objects.filter(pk=round_.pk).update(state=state, finished=None if listens else now())
        publish(campaign.pk, "round", round_.pk)


def _n_clips(campaign: Campaign) -> int:
    return sum(len(cutting.grid(track.duration, campaign.clip_seconds)) for track in in_use(campaign, Track.Use.POOL))


def dear_clips(campaign: Campaign, separator: Separator) -> tuple[int, bool]:
    """Of how many clips of the pool all is measured, also what takes passes of its own, and whether that is all of them."""
    in_all = _n_clips(campaign)
    n = max(FEW, round(separator.dear_share * in_all))
    return n, n >= in_all


def heard(track: Track, row: Checkpoint, architecture: str) -> pool.Heard | None:
    """What is known of a scored track of the pool before people hear it; None: of a large pool, it was not looked at by all means."""
    leaking = _leaking(track, row)
    if architecture not in pool.GUESSED:
        return pool.Heard(track.name, leaking, None)
    unsure = Score.objects.filter(checkpoint=row, track=track).aggregate(most=Max("uncertainty"))["most"]
    return None if leaking is None and unsure is None else pool.Heard(track.name, leaking, unsure)


def _leaking(track: Track, row: Checkpoint) -> float | None:
    """False-positive seconds a minute of a track whose true stem can be read: worked out once for each checkpoint, and kept."""
    stem = track.campaign.stem
    if stem not in {one.name for one in track.stems.all()}:
        return None
    kept = Signals.objects.filter(track=track, checkpoint=row, stem=stem)
    if (known := kept.values_list("leaking", flat=True).first()) is not None:
        return known
    leaking = _leaking_by_stems(track, row, stem)
    kept.update(leaking=leaking)
    return leaking


def _leaking_by_stems(track: Track, row: Checkpoint, stem: str) -> float | None:
    try:
        true = sound_of(track, stem)
    except UnusableTrack:
        return None  # people listen to the mixture, which can be read
    estimate = Estimate.objects.get(track=track, stem=stem, checkpoint=row.hash)
    extracted = audio.read(storage.local(estimate.file), true.sample_rate).samples
    n = min(extracted.shape[1], true.samples.shape[1])
    wrong = metrics.false_positive_regions(extracted[:, :n], true.samples[:, :n], true.sample_rate)
    return float(metrics.per_minute(sum(end - start for start, end in wrong), n / true.sample_rate))


def score_dearly(
    job: Job, pulse: Pulse, usable: UsableTracks, n: int, row: Checkpoint, separator: Separator, proof: Callable[[Track], None]
) -> None:
    """Measure what takes passes of its own, of the `n` clips of the pool that look most like leaks."""
    scores = [score for score in latest_scores(job.campaign, row) if score.checkpoint == row]
    of_track: dict[Track, list[tuple[float, float]]] = {}
    for score in sorted(scores, key=lambda score: (-suspicion(score), score.pk))[:n]:
        if score.uncertainty is None:
            of_track.setdefault(score.track, []).append((score.start, score.end))

    def measure(track: Track) -> None:
        doing = f"looking again at {track.name}, which may leak"
        pulse(pulse.total, doing)
        job.work_on(track, doing)
        measure_clips_dearly(track, row, separator, of_track[track])

    usable.through("scored", list(of_track), measure, again=proof)


def separate_a_clip(campaign: Campaign, track: Track, separator: Separator) -> None:
    """Separate the beginning of a track that came through before. Raises `UnusableTrack` where it no longer does."""
    mix = sound_of(track, "mixture")
    with blamed(track, "It cannot be separated"):
        separate(separator, mix.samples[:, : round(campaign.clip_seconds * mix.sample_rate)], mix.sample_rate)


def choose_clips(campaign: Campaign, round_: Round, row: Checkpoint, scores: list[Score] | None = None) -> list[annotating.Clip]:
    """The round's clips: scored ones and a random share, none heard before; a clip of a track kept apart is for the gate.

    `scores` are `latest_scores`, where the caller has them.
    """
    done: dict[int, list[cutting.Span]] = {}
    opened = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL).exclude(state=Task.State.WITHDRAWN)
    for track, start, end in opened.values_list("track_id", "start", "end"):
        done.setdefault(track, []).append((start, end))
    known = latest_scores(campaign, row) if scores is None else scores
    open_scores = [score for score in known if not cutting.heard((score.start, score.end), done.get(score.track_id, []))]
    generator = np.random.default_rng([campaign.seed, round_.number])
    foretold = foretell(campaign, row, open_scores)
    kept_apart = services.keep_tracks_apart(campaign=campaign, leak=foretold.leak_of_tracks())
    learning, apart = (
        [at for at, score in enumerate(open_scores) if (score.track_id in kept_apart) == is_apart] for is_apart in (False, True)
    )
    share = 1 if services.has_target_gate(campaign) else max(1, round(campaign.clips_per_round / APART))
    n_apart = min(share, len(apart)) if campaign.clips_per_round > 2 else 0
    strategy, clips = BY_NAME[campaign.choosing], foretold.clips
    if strategy.name == DEFAULT and foretold.quality.steps_back:
        strategy, clips = BY_NAME["leak-aware"], replace(clips, leak=foretold.guess)
    Round.objects.filter(pk=round_.pk).update(
        choosing=foretold.to_dict() | {"strategy": strategy.name, "left": len(learning), "left_apart": len(apart)}
    )

    def told(which: list[int], chosen: list[acquisition.Chosen], strategy: str, *, kept_apart: bool) -> list[annotating.Clip]:
        return [
            annotating.Clip(
                track=open_scores[at := which[one.index]].track,
                start=open_scores[at].start,
                end=open_scores[at].end,
                arm=one.arm,
                chance=one.chance,
                reason=one.reason,
                kept_apart=kept_apart,
                strategy=strategy,
                proposed=foretold.proposed.get((open_scores[at].track_id, open_scores[at].start), ()),
                parts=foretold.parts(at) | {name: round(value, 4) for name, value in one.parts.items()},
            )
            for one in chosen
        ]

    some, n = clips.only(np.array(learning, dtype=np.intp)), campaign.clips_per_round - n_apart
    chosen = acquisition.choose(some, n, campaign.random_share, strategy, generator, _quota(campaign, some, n))
    for_gate = clips.only(np.array(apart, dtype=np.intp))
    drawn = acquisition.choose_apart(for_gate, n_apart, generator, _quota(campaign, for_gate, n_apart))
    found = told(learning, chosen, strategy.name, kept_apart=False) + told(apart, drawn, "leak-aware", kept_apart=True)
    tracks = {track: number for number, track in enumerate(generator.permutation(sorted({clip.track.pk for clip in found})))}
    return sorted(found, key=lambda clip: (tracks[clip.track.pk], clip.start))  # a person hears a song's clips one after the other


def _quota(campaign: Campaign, clips: Clips, n: int) -> Quota:
    """Of an album no more than twice its share of a round, nor fewer than of one song; where there is one album, all may be of it."""
    n_groups = len(np.unique(clips.groups))
    return Quota(campaign.clips_per_track, max(campaign.clips_per_track, -(-2 * n // max(1, n_groups))))
