"""A campaign that has run for long, written by COPY: people, songs, clips, answers, marks and rounds as the product leaves them.

All songs are one noise, so that each can be heard. Whatever a new field of a model is, its default is written, so that a migration does
not break this.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import Q
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import (
    Assignment,
    Campaign,
    Consensus,
    ConsensusRegion,
    Estimate,
    Event,
    GoldScore,
    GoldTruth,
    ListeningClip,
    ListeningTest,
    Mark,
    Membership,
    Note,
    Preference,
    Reliability,
    Stem,
    Submission,
    Task,
    Track,
)
from hub.accounts.models import User
from learner.models import Adaptation, Evaluation, FeedbackClip, FeedbackItem, FeedbackSet, Job, JudgedSong, Round, Score, SharedModel
from tests import worlds
from tests.hub.addresses import made
from tests.scale.copying import copy

CLIP = worlds.CLIP
ANSWERS = 3  # to a clip
GOLD = 0.01  # share of the clips
LENGTH, RATE = 10 * CLIP + 30, 8_000  # seconds and frames a second of a song
METRICS = ("false_positive_seconds_per_minute", "voice_kept_db", "sdr_median", "sdr_mean", "si_sdr", "frame_sdr_quiet")


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    people: int = 1_000
    tasks: int = 100_000
    marks: int = 1_000_000
    rounds: int = 30
    tracks: int = 100_000

    @property
    def heard(self) -> int:
        """Tracks with clips: ten of each, as far as there are so many."""
        return min(self.tracks, max(1, self.tasks // 10))


def fill(size: Size, said: Callable[[str], None] = lambda words: None) -> Campaign:
    """Make the campaign `crowded`; the members `site` (who runs the site), `owner`, `reviewer` and `p0` have accounts of those names."""
    with transaction.atomic():
        campaign = _Filling(size, said).campaign
        by, who = (campaign.memberships.get(pseudonym=name) for name in ("p0", "owner"))
        made(campaign, by=by, who=who, task=Task.objects.filter(submissions__by=by).latest("pk"))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # what autovacuum does by itself a minute later
    return campaign


class _Filling:
    def __init__(self, size: Size, said: Callable[[str], None]) -> None:
        self.size, self.chance, self.began = size, random.Random(7), now() - timedelta(days=60)
        self.campaign = worlds.campaign("crowded", min_overlap=ANSWERS, max_overlap=5, leaderboard=True)
        self.base = worlds.checkpoint("base", file=storage.keep(b"weights", ".safetensors"))
        noise = np.random.default_rng(1).normal(0, 0.05, (int(RATE * LENGTH), 1))
        self.sound = storage.keep(worlds.flac(noise, RATE), ".flac")  # of every song, whatever it says of itself
        self.models = [self.base]
        worlds.with_model(self.campaign, self.base)
        for name, rows in (
            ("people", self._people),
            ("tracks", self._tracks),
            ("rounds", self._rounds),
            ("clips", self._tasks),
            ("answers", self._answers),
            ("marks", self._marks),
            ("what people agreed on", self._agreed),
            ("feedback", self._feedback),
            ("songs that rounds were judged by", self._judged),
            ("preferences", self._heard_blind),
            ("history", self._history),
        ):
            n = rows()
            said(f"{n:>9,} {name}")

    # ---- who, and what they listen to

    def _people(self) -> int:
        for name, role in (("site", "manager"), ("owner", "owner"), ("reviewer", "reviewer"), ("p0", "annotator")):
            worlds.member(self.campaign, name, role)
        User.objects.update(password="unknown$", is_superuser=Q(username="site"))
        first = Membership.objects.latest("pk").pk + 1
        others = range(first, first + self.size.people - 1)
        users = User.objects.latest("pk").pk + 1
        copy(User, (User(pk=users + n, username=f"person-{n}") for n in range(len(others))))
        copy(
            Membership,
            (
                Membership(pk=pk, campaign=self.campaign, user_id=users + n, pseudonym=f"p{n + 1}", qualified=self.began)
                for n, pk in enumerate(others)
            ),
        )
        self.people = [Membership.objects.get(pseudonym="p0").pk, *others]
        copy(
            Reliability,
            (
                Reliability(
                    pk=n, membership_id=pk, sensitivity=self.chance.uniform(0.5, 0.95), specificity=self.chance.uniform(0.85, 0.99),
                    onset_lag=0.2, offset_lag=0.1, n_tasks=300,
                )
                for n, pk in enumerate(self.people, start=1)
            ),
        )  # fmt: skip
        return len(self.people)

    def _tracks(self) -> int:
        self.first_track = 1
        uses = ("pool",) * 90 + ("replay",) * 6 + ("validation",) * 2 + ("gate", "test")

        def rows() -> Iterator[Track]:
            for n in range(self.size.tracks):
                yield Track(
                    pk=self.first_track + n, campaign=self.campaign, name=f"artist {n % 997}/song {n:06}", artist=f"artist {n % 997}",
                    album=f"album {n % 4999}", licence="CC-BY-4.0", use="pool" if n < self.size.heard else uses[n % 100],
                    domain="source" if uses[n % 100] in ("replay", "validation") else "target",
                    duration=LENGTH, sample_rate=RATE, channels=1, fingerprint=f"{n:064x}",
                )  # fmt: skip

        written = copy(Track, rows())
        copy(Stem, (Stem(pk=n + 1, track_id=self.first_track + n, name="mixture", file=self.sound) for n in range(self.size.heard)))
        return written

    # ---- rounds, and what came of them

    def _rounds(self) -> int:
        for number in range(1, self.size.rounds):
            refused = number % 5 == 0
            child = worlds.checkpoint(f"c{number:02}", self.models[-1], file=self.base.file, recipe={"algorithm": "zero-vocal-targets"})
            adaptation = worlds.ended_round(self.campaign, child, "refused" if refused else "promoted", days=60 - 2 * number)
            Adaptation.objects.filter(pk=adaptation.pk).update(reasons=[f"reason {n} of round {number}" for n in range(8)])
            if not refused:
                self.models.append(child)
            Evaluation.objects.bulk_create(
                Evaluation(
                    campaign=self.campaign, checkpoint=child, use="test", domain=domain, metric=metric,
                    value=self.chance.uniform(0, 10), low=0.0, high=10.0, n_songs=20,
                )
                for domain in ("target", "source")
                for metric in METRICS
            )  # fmt: skip
        heard = range(self.size.heard)
        for number, one in enumerate((self.base, self.models[-1])):
            sounds = ((number * len(heard) + n + 1, self.first_track + n) for n in heard)
            copy(Estimate, (Estimate(pk=pk, track_id=track, stem="vocals", checkpoint=one.hash, file=self.sound) for pk, track in sounds))
        last = Round.objects.create(
            campaign=self.campaign,
            number=self.size.rounds,
            parent=SharedModel.objects.get(campaign=self.campaign).current,
            scoring=Job.objects.create(campaign=self.campaign, kind=Job.Kind.SCORE, state=Job.State.DONE),
            state=Round.State.ANNOTATING,
        )
        return int(last.number)

    def _of_round(self, n: int) -> int:
        return 1 + n * self.size.rounds // self.size.tasks

    def _when(self, n: int) -> datetime:
        return self.began + timedelta(minutes=60 * 24 * 59 * n / self.size.tasks)

    def _open(self, n: int) -> bool:
        """The second half of the last round waits for answers."""
        return n >= self.size.tasks - self.size.tasks // self.size.rounds // 2

    def _tasks(self) -> int:
        checkpoints = {one.number: one.parent.hash for one in Round.objects.select_related("parent")}
        contested = max(1, self.size.tasks // 200)  # the last ones that were answered wait for a reviewer
        answered = sum(1 for n in range(self.size.tasks) if not self._open(n))

        def rows() -> Iterator[Task]:
            for n in range(self.size.tasks):
                waits = answered - contested <= n < answered
                open_ = self._open(n)
                start = CLIP * (n // self.size.heard)
                yield Task(
                    pk=n + 1, campaign=self.campaign, track_id=self.first_track + n % self.size.heard, stem="vocals",
                    checkpoint=checkpoints[self._of_round(n)], round_number=self._of_round(n), start=start, end=start + CLIP,
                    arm="random" if n % 3 == 0 else "score", chance=0.5, reason="much seems to leak", strategy="expected",
                    kind=Task.Kind.GOLD if n % int(1 / GOLD) == 7 else Task.Kind.POOL, min_overlap=ANSWERS, max_overlap=5, overlap=ANSWERS,
                    taken=0 if open_ else ANSWERS, contested=waits, opened=self._when(n), closed=None if open_ or waits else self._when(n),
                    state=Task.State.OPEN if open_ else Task.State.IN_REVIEW if waits else Task.State.CLOSED,
                )  # fmt: skip

        written = copy(Task, rows())
        copy(
            GoldTruth,
            (GoldTruth(pk=n, task_id=pk, file=self.sound, regions=[[2.0, 4.0]]) for n, pk in enumerate(self._gold(), start=1)),
        )
        copy(
            Score,
            (
                Score(
                    pk=n + 1, checkpoint=self.models[-1], track_id=self.first_track + n % self.size.heard,
                    start=CLIP * (n // self.size.heard), end=CLIP * (n // self.size.heard + 1), predicted_leak=0.1, value=0.1,
                )
                for n in range(self.size.tasks)
            ),
        )  # fmt: skip
        return written

    def _gold(self) -> list[int]:
        return list(Task.objects.filter(kind=Task.Kind.GOLD).order_by("pk").values_list("pk", flat=True))

    # ---- what people said

    def _by(self, n: int, answer: int) -> int:
        return self.people[(n * 7 + answer * 311) % len(self.people)]

    def _answers(self) -> int:
        self.answered = [n for n in range(self.size.tasks) if not self._open(n)]

        def assignments() -> Iterator[Assignment]:
            for n in self.answered:
                for answer in range(ANSWERS):
                    yield Assignment(
                        pk=n * ANSWERS + answer + 1, task_id=n + 1, by_id=self._by(n, answer), state=Assignment.State.DONE,
                        taken_at=self._when(n), lease_until=self._when(n),
                    )  # fmt: skip

        def submissions() -> Iterator[Submission]:
            for n in self.answered:
                start = CLIP * (n // self.size.heard)
                for answer in range(ANSWERS):
                    yield Submission(
                        pk=n * ANSWERS + answer + 1, task_id=n + 1, by_id=self._by(n, answer), status=Submission.Status.ACCEPTED,
                        client_key=uuid.UUID(int=self.chance.getrandbits(128), version=4), result=[], lead_time=14.0,
                        heard=[[start, start + CLIP]], consent_version=1, instruction_version=1, created=self._when(n),
                    )  # fmt: skip

        copy(Assignment, assignments())
        Campaign.objects.update(frozen=self._when(self.size.tasks - 2 * self.size.tasks // self.size.rounds))
        written = copy(Submission, submissions())
        gold = set(self._gold())
        scored = Submission.objects.filter(task__in=gold).order_by("pk").values_list("pk", flat=True)
        copy(
            GoldScore,
            (GoldScore(pk=n, submission_id=pk, score=self.chance.uniform(0.3, 1), missed=0.2, extra=0.1) for n, pk in enumerate(scored, 1)),
        )
        return written

    def _marks(self) -> int:
        answers = len(self.answered) * ANSWERS

        def rows() -> Iterator[Mark]:
            for n in range(self.size.marks):
                answer = n % answers
                start = CLIP * (answer // ANSWERS // self.size.heard) + 4.0 * (n // answers) + self.chance.uniform(0, 2)
                yield Mark(pk=n + 1, submission_id=answer + 1, start=start, end=start + 1.5)

        return copy(Mark, rows())

    def _agreed(self) -> int:
        copy(
            Consensus,
            (
                Consensus(pk=n + 1, task_id=n + 1, version=1, method="ours", certainty=0.93, seconds=4.0, made=self._when(n))
                for n in self.answered
            ),
        )
        used = Consensus.submissions.through
        copy(
            used,
            (
                used(pk=n * ANSWERS + answer + 1, consensus_id=n + 1, submission_id=n * ANSWERS + answer + 1)
                for n in self.answered
                for answer in range(ANSWERS)
            ),
        )

        def regions() -> Iterator[ConsensusRegion]:
            for n in self.answered:
                start = CLIP * (n // self.size.heard)
                for number in range(2):
                    yield ConsensusRegion(
                        pk=2 * n + number + 1, consensus_id=n + 1, start=start + 1 + 5 * number, end=start + 3 + 5 * number, probability=0.8
                    )

        return copy(ConsensusRegion, regions())

    def _feedback(self) -> int:
        """Of the last set alone, which holds all that was heard before; those before it are empty."""
        last = FeedbackSet.objects.latest("pk")
        clips = [n for n in self.answered if self._of_round(n) < self.size.rounds]
        copy(
            FeedbackClip,
            (
                FeedbackClip(
                    pk=n + 1, feedback_set=last, consensus_id=n + 1, track_id=self.first_track + n % self.size.heard,
                    start=CLIP * (n // self.size.heard), end=CLIP * (n // self.size.heard + 1), kept_apart=False,
                )
                for n in clips
            ),
        )  # fmt: skip

        def items() -> Iterator[FeedbackItem]:
            for n in clips:
                start = CLIP * (n // self.size.heard)
                for number in range(2):
                    yield FeedbackItem(
                        pk=2 * n + number + 1, feedback_set=last, clip_id=n + 1, region_id=2 * n + number + 1,
                        start=start + 1 + 5 * number, end=start + 3 + 5 * number, weight=0.8,
                    )  # fmt: skip

        n = copy(FeedbackItem, items())
        FeedbackSet.objects.filter(pk=last.pk).update(regions=n)
        return n

    def _judged(self) -> int:
        figures = {METRICS[0]: 2.0, METRICS[1]: -0.1}
        return copy(
            JudgedSong,
            (
                JudgedSong(
                    adaptation=adaptation, track_id=self.first_track + n, kind=JudgedSong.Kind.GATE, start=0.0, end=10.0, file=self.sound,
                    figures={JudgedSong.PARENT: figures, JudgedSong.CHILD: figures}, pk=adaptation.pk * 1000 + n,
                )
                for adaptation in Adaptation.objects.filter(campaign=self.campaign)
                for n in range(min(20, self.size.heard))
            ),
        )  # fmt: skip

    def _heard_blind(self) -> int:
        """Two tests, one of them ended, whose clips everybody heard."""
        both = {"checkpoint": self.models[-1].hash, "other": self.base.hash, "drawn": True, "seed": 1}
        tests = [ListeningTest.objects.create(campaign=self.campaign, ended=ended, **both) for ended in (now(), None)]
        clips = [
            ListeningClip.objects.create(test=test, track_id=self.first_track + n, start=0.0, end=10.0)
            for test in tests
            for n in range(min(20, self.size.heard))
        ]
        everybody = [(clip, by) for clip in clips for by in self.people if clip.test.ended]
        return copy(
            Preference,
            (
                Preference(
                    pk=n, clip=clip, by_id=by, better=self.chance.choice(["checkpoint", "other", "none"]), was_first=n % 2 == 0, heard={}
                )
                for n, (clip, by) in enumerate(everybody, 1)
            ),
        )

    def _history(self) -> int:
        first = Event.objects.latest("pk").pk + 1
        copy(
            Note,
            (
                Note(pk=n + 1, task_id=task + 1, by_id=by, person_id=by, text="What is this?", client_key=uuid.uuid4())
                for n in range(self.size.tasks // 100)
                for task in [n * 97 % len(self.answered)]
                for by in [self._by(task, 0)]
            ),
        )
        return copy(
            Event,
            (
                Event(
                    pk=first + n, campaign=self.campaign, what="task.closed", before={"state": "open"},
                    after={"task": n + 1, "certainty": 0.93}, when=self._when(n),
                )
                for n in self.answered
            ),
        )  # fmt: skip
