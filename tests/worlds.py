"""What tests begin with: a campaign, its people, songs, clips and answers, each made in a line by the product's own verbs.

Each function takes what a test has to say, and fills in the rest. Import the module and not its names, since fixtures bear the same:
`worlds.campaign(max_overlap=2)`. Most songs are rows that nothing can play; `song` makes one with sound.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from django.db.models import F
from django.test import Client
from django.utils.timezone import now
from numpy.typing import NDArray

from annotation import services as annotating
from annotation.core import label_studio
from annotation.files import storage
from annotation.models import Assignment, Campaign, Estimate, Event, Membership, Submission, Task, Track
from hub.accounts.models import User
from learner import services
from learner.models import Adaptation, Checkpoint, FeedbackSet, Job, Round, SharedModel

CHECKPOINT = "c" * 64
"""What has extracted the vocals that people listen to, unless a test names another."""

CLIP = 15.0
"""Seconds of a clip."""

RATE = 16_000
"""Hz, of songs."""

Span = tuple[float, float]


def campaign(slug: str = "test", **rules: Any) -> Campaign:
    """A clip gets two answers, and three at most."""
    return annotating.create_campaign(**{"name": slug.capitalize(), "slug": slug, "min_overlap": 2, "max_overlap": 3, **rules})


# ---- people


def user(name: str) -> User:
    """The account of that name; made without a password when there is none."""
    return User.objects.filter(username=name).first() or User.objects.create_user(name)


def member(campaign: Campaign, name: str = "ann", role: str = Membership.Role.ANNOTATOR, *, pseudonym: str = "") -> Membership:
    """Somebody with an account, whom others see under the same name unless a pseudonym is given."""
    return annotating.add_member(campaign=campaign, user=user(name), role=role, pseudonym=pseudonym or name)


def people(campaign: Campaign, n: int) -> list[Membership]:
    """Annotators p0, p1, … who need no account, since they never sign in."""
    return [annotating.add_member(campaign=campaign, pseudonym=f"p{number}") for number in range(n)]


def again(by: Membership) -> Membership:
    """The same person as the database has them now, as the next request meets them."""
    return Membership.objects.select_related("campaign", "user").get(pk=by.pk)


def account(of: Membership) -> User:
    assert of.user, "nobody signs in as them"
    return of.user


def signed_in(who: Membership | User, **options: Any) -> Client:
    """Their browser; `options` are those of Django's test client."""
    client = Client(**options)
    client.force_login(account(who) if isinstance(who, Membership) else who)
    return client


def client(campaign: Campaign, name: str, role: str = Membership.Role.ANNOTATOR, *, pseudonym: str = "") -> Client:
    """The browser of a new member."""
    return signed_in(member(campaign, name, role, pseudonym=pseudonym))


# ---- songs


def track(campaign: Campaign, name: str = "song", **about: Any) -> Track:
    """A song of the pool, as a row: nothing can play it, and nothing was extracted from it yet."""
    usual = {"use": "pool", "domain": "target", "duration": 900.0, "sample_rate": RATE, "channels": 1, "fingerprint": _hash(name)}
    return Track.objects.create(campaign=campaign, name=name, **(usual | about))


def estimate(track: Track, checkpoint: str = CHECKPOINT) -> Estimate:
    """A row that says what a checkpoint extracted from it; nothing can play that either."""
    kept, _ = Estimate.objects.get_or_create(track=track, stem=track.campaign.stem, checkpoint=checkpoint, defaults={"file": "aa/x.flac"})
    return kept


def flac(samples: NDArray[np.floating], rate: int = RATE) -> bytes:
    """A file with these samples, (frames,) or (frames, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.float32), rate, format="FLAC")
    return file.getvalue()


def song(campaign: Campaign, stems: Mapping[str, bytes], extracted: bytes = b"", *, name: str = "song", **about: Any) -> Track:
    """A song of the pool with sound: files of its stems, "mixture" among them, and of what `CHECKPOINT` extracted from it."""
    sound = soundfile.info(io.BytesIO(stems["mixture"]))
    usual = {"use": "pool", "domain": "target", "fingerprint": _hash(name)}
    usual |= {"duration": sound.duration, "sample_rate": sound.samplerate, "channels": sound.channels}
    with TemporaryDirectory() as folder:
        files = [annotating.NewStem(stem, _written(Path(folder) / stem, file)) for stem, file in stems.items()]
        made = annotating.add_track(campaign=campaign, name=name, stems=files, **(usual | about))
        if extracted:
            file = _written(Path(folder) / "extracted", extracted)
            annotating.keep_estimate(track=made, stem=campaign.stem, checkpoint=CHECKPOINT, file=file)
    return made


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _written(path: Path, file: bytes) -> Path:
    """Named after its kind, as the storage keeps it."""
    path = path.with_suffix({b"fLaC": ".flac", b"OggS": ".ogg"}.get(file[:4], ".wav"))
    path.write_bytes(file)
    return path


# ---- clips and answers


def clip(track: Track, start: float = 0.0, end: float | None = None, **about: Any) -> annotating.Clip:
    """Seconds of a song to listen to; 15 unless `end` is given."""
    usual: dict[str, Any] = {"arm": Task.Arm.SCORE, "chance": 1.0, "reason": ""}
    return annotating.Clip(track=track, start=start, end=start + CLIP if end is None else end, **(usual | about))


def clips(track: Track, n: int, start: float = 0.0) -> list[annotating.Clip]:
    """`n` clips of a song, one after the other from second `start` on."""
    return [clip(track, start + CLIP * number) for number in range(n)]


def opened(clips: list[annotating.Clip], *, checkpoint: str = CHECKPOINT, round_number: int = 1, golds: Any = ()) -> list[Task]:
    """Put clips of one campaign before annotators, and return the tasks in the order of their ids; estimates are made where they lack."""
    campaign = clips[0].track.campaign
    for one in {clip.track for clip in clips}:
        estimate(one, checkpoint)
    before = set(Task.objects.filter(campaign=campaign).values_list("pk", flat=True))
    annotating.open_tasks(campaign=campaign, checkpoint=checkpoint, round_number=round_number, clips=clips, golds=golds)
    return list(Task.objects.filter(campaign=campaign).exclude(pk__in=before).order_by("pk"))


def tasks(campaign: Campaign, n: int, start: float = 0.0) -> list[Task]:
    """Open tasks: a new song's first `n` clips, or those from second `start` on."""
    return opened(clips(track(campaign), n, start))


def task(campaign: Campaign, start: float = 0.0) -> Task:
    """One open task: 15 s of a new song from second `start` on."""
    return tasks(campaign, 1, start)[0]


def given(by: Membership) -> Task:
    """The task that the queue gives them."""
    assignment = annotating.assign_task(by=by)
    assert assignment, "there is nothing for them"
    return assignment.task


def marks(task: Task, *spans: Span) -> list[dict[str, Any]]:
    """Marks as the editor sends them; `spans` are seconds of the track."""
    return label_studio.result(spans, task.clip, task.stem)


def answer(task: Task, by: Membership, *spans: Span, **about: Any) -> Submission:
    """Their answer: they heard the whole clip and marked `spans`, in seconds of the track."""
    usual: dict[str, Any] = {"client_key": uuid.uuid4(), "heard": [(0.0, task.end - task.start)]}
    task, by = Task.objects.select_related("campaign").get(pk=task.pk), again(by)  # as a request meets them
    return annotating.submit(task=task, by=by, result=marks(task, *spans), **(usual | about))


def agreed(task: Task) -> Task:
    """The task after the worker has looked whether its answers agree."""
    annotating.agree_on_task(task_id=task.pk)
    task.refresh_from_db()
    return task


def answer_all(by: Membership, *spans: Span) -> None:
    """Answer with the same marks whatever the queue gives them, each answer looked at by the worker."""
    while assignment := annotating.assign_task(by=by):
        answer(assignment.task, by, *spans)
        agreed(assignment.task)


def after(what: str) -> dict[str, Any]:
    """What the one event of this kind says of how things are since."""
    said = Event.objects.get(what=what).after
    assert isinstance(said, dict)
    return said


def later(seconds: float) -> None:
    """As if every task that somebody was given had been given that much earlier; leases end as before."""
    Assignment.objects.update(taken_at=F("taken_at") - timedelta(seconds=seconds))


# ---- models and rounds


def checkpoint(name: str, parent: Checkpoint | None = None, **about: Any) -> Checkpoint:
    """A model as a row, of which there is no file; `name` begins its hash. Where there is one of that name, that one."""
    usual = {"file": "", "stem": "vocals", "sample_rate": RATE, "channels": 1, "code_version": "test"}
    return Checkpoint.objects.get_or_create(hash=name.ljust(64, "0"), defaults={"parent": parent, **usual, **about})[0]


def old_checkpoint(name: str, parent: Checkpoint | None = None, *, days: float = 100) -> Checkpoint:
    """A model whose file, which nothing can load, was kept so many days ago."""
    key = storage.keep(name.encode(), ".safetensors")
    then = now() - timedelta(days=days)
    os.utime(storage.local(key), (then.timestamp(),) * 2)
    return checkpoint(name, parent, file=key, created=then)


def with_model(campaign: Campaign, model: Checkpoint) -> Campaign:
    """The campaign with its first shared model."""
    services.share(campaign=campaign, checkpoint=model)
    return campaign


def listening_round(campaign: Campaign, n_tasks: int = 2, start: float = 0.0) -> Round:
    """A new round whose clips wait for answers, as the scoring job leaves it: one clip of each track, then those that follow."""
    round_ = services.start_round(campaign=campaign)
    assert round_
    Job.objects.filter(pk=round_.scoring_id).update(state=Job.State.DONE, started=now() - timedelta(seconds=9), finished=now())
    tracks = list(Track.objects.filter(campaign=campaign, use="pool", kept_apart=False).order_by("pk"))
    chosen = [clip(tracks[number % len(tracks)], start + CLIP * (number // len(tracks))) for number in range(n_tasks)]
    opened(chosen, checkpoint=round_.parent.hash, round_number=round_.number)
    Round.objects.filter(pk=round_.pk).update(state=Round.State.ANNOTATING)
    round_.refresh_from_db()
    return round_


def ended_round(
    campaign: Campaign, child: Checkpoint | None, verdict: str, *, replay_only: Checkpoint | None = None, days: float = 100
) -> Adaptation:
    """A round that ended so many days ago with this child and verdict; rows alone, nobody answered anything."""
    shared, then = SharedModel.objects.get(campaign=campaign), now() - timedelta(days=days)
    round_ = Round.objects.create(
        campaign=campaign,
        number=campaign.rounds.count() + 1,
        parent=shared.current,
        scoring=Job.objects.create(campaign=campaign, kind=Job.Kind.SCORE, state=Job.State.DONE),
        state=Round.State.PROMOTED if verdict == "promoted" else Round.State.REFUSED,
        finished=then,
    )
    adaptation = Adaptation.objects.create(
        campaign=campaign,
        feedback_set=FeedbackSet.objects.create(round=round_, content_hash=""),
        job=Job.objects.create(campaign=campaign, kind=Job.Kind.ADAPT, state=Job.State.DONE),
        parent=shared.current,
        child=child,
        replay_only=replay_only,
        seed=1,
        verdict=verdict,
        finished=then,
    )
    if verdict == "promoted":
        SharedModel.objects.filter(pk=shared.pk).update(current=child)
    return adaptation
