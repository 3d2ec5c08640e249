"""What a person's marks change, made by a worker that has nothing else to do. Real models, sound and rows."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
import soundfile
from django.db import connection
from django.utils.timezone import now

from annotation import services as annotating
from annotation.files import storage
from annotation.models import Campaign, Effect, Submission
from annotation.selectors import effects as selected
from annotation.services.effects import wish_effect
from learner import services
from learner.actors import hear_effect
from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE
from learner.core.separate import separate
from learner.core.songs.synth import make_song
from learner.models import Checkpoint, Job, SharedModel
from learner.services.effects import RESEND_AFTER, send_effect
from learner.work import effects
from tests import worlds

pytestmark = pytest.mark.django_db
LENGTH = 6.0  # seconds
MARK = (1.0, 2.5)


@pytest.fixture(autouse=True)
def _on_every_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selected, "OFFERED", 1.0)


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(min_overlap=1, max_overlap=1, hears_effects=True)


@pytest.fixture
def answer(campaign: Campaign, tmp_path: Path) -> Submission:
    """To a clip that the shipped base has separated."""
    song = make_song(1, "target", LENGTH)
    row = services.keep_checkpoint(file=SHIPPED_FILE)
    worlds.with_model(campaign, row)
    track = worlds.song(campaign, {"mixture": worlds.flac(song.mixture.T, song.sample_rate)})
    file = tmp_path / "estimate.flac"
    file.write_bytes(worlds.flac(separate(checkpoint.load(SHIPPED_FILE), song.mixture, song.sample_rate).T, song.sample_rate))
    annotating.keep_estimate(track=track, stem="vocals", checkpoint=row.hash, file=file)
    (task,) = worlds.opened([worlds.clip(track, 0.0, LENGTH)], checkpoint=row.hash)
    return worlds.answer(task, worlds.member(campaign), MARK)


@pytest.fixture
def effect(answer: Submission) -> Effect:
    return wish_effect(task=answer.task, by=answer.by)


def messages() -> list[int]:
    """The effects that workers were told of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT message->'args'->0 FROM dramatiq.queue WHERE message->>'actor_name' = 'hear_effect' ORDER BY mtime")
        return [int(pk) for (pk,) in cursor.fetchall()]


def test_the_marks_are_quieter_in_it_and_the_shared_model_is_what_it_was(answer: Submission, effect: Effect) -> None:
    before = list(Checkpoint.objects.values()), list(SharedModel.objects.values())
    assert send_effect() and messages() == [effect.pk] and hear_effect.actor_name == "hear_effect"
    kept = storage.local(Checkpoint.objects.get().file).read_bytes()
    hear_effect.fn(effect.pk)
    effect.refresh_from_db()
    assert effect.state == "made" and effect.quieter[0] > 10 and abs(effect.beside or 0.0) < 1
    samples, rate = soundfile.read(io.BytesIO(effect.sound))
    assert len(samples) / rate == pytest.approx(LENGTH, abs=0.01)
    assert (list(Checkpoint.objects.values()), list(SharedModel.objects.values())) == before and not Job.objects.exists()
    assert storage.local(Checkpoint.objects.get().file).read_bytes() == kept
    hear_effect.fn(effect.pk)
    assert Effect.objects.filter(state="made").exists(), "delivered twice, it is made once"


def test_it_gives_way_to_a_job_before_it_begins_and_half_way(campaign: Campaign, effect: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
    job = services.queue_job(campaign=campaign, kind=Job.Kind.ADAPT)
    assert not send_effect(), "while a job waits no worker is told"
    effects.make(effect.pk)
    effect.refresh_from_db()
    assert (effect.state, effect.sent) == ("waiting", None)
    Job.objects.filter(pk=job.pk).update(state="done")
    monkeypatch.setattr(effects, "LOOK_EVERY", 0.0)
    steps = iter([Job.objects.none(), Job.objects.none(), Job.objects.all()])
    monkeypatch.setattr(Job, "urgent", lambda: next(steps))
    effects.make(effect.pk)
    effect.refresh_from_db()
    assert (effect.state, effect.sent) == ("waiting", None) and next(steps, None) is None


@pytest.mark.parametrize(("reason", "state"), [("no time", "busy"), ("no file", "failed")])
def test_what_cannot_be_made_says_so(effect: Effect, reason: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason == "no time":
        monkeypatch.setattr(effects, "LEARN_FOR", -1.0)
    else:
        storage.local(Checkpoint.objects.get().file).unlink()
    effects.make(effect.pk)
    effect.refresh_from_db()
    assert effect.state == state


def test_a_worker_is_told_of_one_at_a_time_the_oldest_first(campaign: Campaign) -> None:
    task = worlds.task(campaign)
    wishes = []
    for name in ("ann", "bob"):
        by = worlds.member(campaign, name)
        worlds.answer(task, by, (1.0, 2.0))
        wishes.append(wish_effect(task=task, by=by))
    assert [send_effect() for _ in range(3)] == [True, False, False]
    assert messages() == [wishes[0].pk]
    Effect.objects.filter(pk=wishes[0].pk).update(sent=now() - RESEND_AFTER - timedelta(seconds=1))
    assert send_effect(), "the message was lost, or waits behind other work"
    Effect.objects.filter(pk=wishes[0].pk).update(state="made")
    assert send_effect() and messages()[-1] == wishes[1].pk
