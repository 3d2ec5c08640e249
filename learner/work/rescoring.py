"""Score, while nobody waits for other work, what a round did not wait for: the songs of a large pool, the most promising first."""

from __future__ import annotations

from annotation.files.unusable import UnusableTrack
from annotation.models import Track
from learner import services
from learner.models import Job, SharedModel
from learner.work.plan import Pulse, load
from learner.work.scoring import dear_clips, score_dearly, separate_a_clip
from learner.work.signals import is_scored, latest_scores, measure_track, suspicion
from learner.work.tracks import UsableTracks


def rescore_pool(job: Job) -> None:
    """Score the songs that the campaign's checkpoint has not scored yet; gives way, song by song, to whatever somebody waits for.

    A song that fails is left to the round that chooses it, which sets it aside.
    """
    campaign, row = job.campaign, SharedModel.objects.select_related("current").get(campaign=job.campaign).current
    most: dict[Track, float] = {}
    for score in latest_scores(campaign, row):
        if score.checkpoint != row:
            most[score.track] = max(suspicion(score), most.get(score.track, 0.0))
    tracks = sorted(most, key=lambda track: (-most[track], track.pk))
    pulse, separator = Pulse(job, len(tracks)), load(row)
    n_dear, all_dear = dear_clips(campaign, separator)
    for number, track in enumerate(tracks):
        if Job.urgent().exists():
            services.hand_back(job=job, why="somebody waits for other work")
            return
        doing = f"separating and scoring {track.name}"
        pulse(number, doing)
        job.work_on(track, doing)
        if not is_scored(track, row):
            try:
                measure_track(track, row, separator, dear=all_dear)
            except UnusableTrack:
                continue
    if not all_dear:
        score_dearly(job, pulse, UsableTracks(job), n_dear, row, separator, lambda track: separate_a_clip(campaign, track, separator))
    services.finish(job=job)
